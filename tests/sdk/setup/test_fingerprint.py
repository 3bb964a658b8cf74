"""A fingerprint tells datasets apart, or says nothing."""

import itertools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from batchprocess.sdk.seeding.generators import Preserved
from batchprocess.sdk.setup.fingerprint import Fingerprint, fingerprint
from support.counting_dataset import Counting


def rows_digest(dataset: Any, rows: int) -> str | None:
    found = fingerprint(dataset, rows)
    assert found.of in ("rows", None)
    return found.value


def test_a_digest_of_eight_rows_sees_their_order():
    rows = [torch.tensor([float(n)]) for n in range(50)]
    assert rows_digest(rows, 50) == rows_digest(list(rows), 50)
    assert rows_digest(rows, 50) != rows_digest(rows[::-1], 50)
    assert rows_digest([object()] * 3, 3) is None


def test_of_a_sample_that_misses_rows_there_is_no_digest_and_no_row_is_read():
    data = Counting(50)
    assert fingerprint(data, 50, left_out=(49,)) == Fingerprint()
    assert data.read == []
    assert fingerprint(data, 50, left_out=(48,)) == fingerprint(data, 50)


@pytest.mark.parametrize(("own", "value"), [("v7", "v7"), (lambda: "v7", "v7"), (lambda: 7, "7")])
def test_a_datasets_own_fingerprint_comes_first_and_reads_no_row(own, value):
    owned = Counting(3)
    owned.fingerprint, owned._fingerprint = own, "theirs"
    assert fingerprint(owned, 3) == Fingerprint(value, "attribute")
    assert owned.read == []


@pytest.mark.parametrize(
    "other", [lambda image: "print of a finger", {"left": 1}, 7, None, lambda: None, object()]
)
def test_a_fingerprint_that_is_no_text_and_gives_none_means_another_thing(other):
    unrelated = Counting(3)
    unrelated.fingerprint = other
    assert fingerprint(unrelated, 3) == fingerprint(Counting(3), 3)


def test_hugging_faces_goes_with_the_digest_of_rows():
    theirs = Counting(3)
    theirs._fingerprint = "f00d"
    assert fingerprint(theirs, 3) == Fingerprint(
        "f00d", "huggingface", fingerprint(Counting(3), 3).value
    )


def test_a_dataset_that_varies_has_no_fingerprint():
    class Random(Counting):
        def __getitem__(self, row):
            return torch.rand(4)

    assert fingerprint(Random(10), 10) == Fingerprint()


def test_a_row_that_cannot_be_read_is_told_when_its_batch_comes_not_here():
    class Broken(Counting):
        def __getitem__(self, row):
            if row == 9:
                raise ValueError("row 9 is broken")
            return row

    assert fingerprint(Broken(10), 10) == Fingerprint()


class Made:
    """Rows by a function of their number."""

    def __init__(self, row: Callable[[int], Any]) -> None:
        self._row = row

    def __getitem__(self, number: int) -> Any:
        return self._row(number)


LINES = itertools.count()
OWN = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (lambda number: next(LINES), True),
        (lambda number: OWN.random(), True),
        (lambda number: torch.rand(1), False),
        (lambda number: [random.random(), np.random.rand()], False),
        (lambda number: number, False),
        (lambda number: 1 / 0, False),
    ],
)
def test_rows_that_depend_on_what_was_read_before_are_told(row, told, caplog):
    before = random.getstate(), torch.get_rng_state().tolist()
    with Preserved():
        fingerprint(Made(row), 20)
    assert (random.getstate(), torch.get_rng_state().tolist()) == before
    assert [one.getMessage()[:31] for one in caplog.records] == (
        ["row 0 of the dataset is another"] if told else []
    )
