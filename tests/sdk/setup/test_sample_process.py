"""A sample of a dataset is read where all its rows are, in time, and without a trace here."""

import logging
import os
import random
import threading
import time
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import get_worker_info

from batchprocess.sdk.setup.fingerprint import Fingerprint, fingerprint
from batchprocess.sdk.setup.sample_process import SampleProcess, start_sampling
from support.counting_dataset import Counting

WORKERS = {"num_workers": 2}


def sampled(dataset: Any, options: dict[str, Any] = WORKERS, seconds: float = 60) -> Fingerprint:
    return start_sampling(dataset, 20, options, seconds)()


@pytest.mark.parametrize(
    "options",
    [
        {},
        WORKERS,
        pytest.param(WORKERS | {"multiprocessing_context": "spawn"}, marks=pytest.mark.slow),
    ],
)
def test_the_fingerprint_is_the_same_wherever_rows_are_read(options: dict[str, Any]) -> None:
    assert sampled(Counting(20), options) == fingerprint(Counting(20), 20) != Fingerprint()


class Opening(Counting):
    """Opens what it reads from at the first row, as torch's documentation advises."""

    opened_by: int | None = None

    def __getitem__(self, row: int) -> int:
        if self.opened_by is None:
            self.opened_by = os.getpid()
        return row


@pytest.mark.slow
def test_with_loader_workers_this_process_opens_nothing() -> None:
    opening = Opening(20)
    assert sampled(opening) == fingerprint(Counting(20), 20)
    assert opening.opened_by is None
    sampled(opening, {})
    assert opening.opened_by == os.getpid(), "without workers it reads all rows anyway"


class Own(Counting):
    """Its own fingerprint is code of the dataset too."""

    def fingerprint(self) -> int:
        return os.getpid()


@pytest.mark.slow
def test_a_datasets_own_fingerprint_is_taken_in_that_process_too() -> None:
    assert sampled(Own(20)).value != str(os.getpid())


class Refusing(Counting):
    """Somebody else's `fingerprint`: a plain loop never asks for it."""

    @property
    def fingerprint(self) -> str:
        raise RuntimeError("not computed yet")


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, WORKERS])
def test_a_fingerprint_that_cannot_be_had_is_none(options: dict[str, Any]) -> None:
    assert sampled(Refusing(20), options) == Fingerprint()


@pytest.mark.slow
def test_what_is_drawn_here_afterwards_is_the_same_with_a_sample_and_without() -> None:
    class Drawing(Counting):
        def __getitem__(self, row: int) -> float:
            return float(torch.rand(())) + np.random.random() + random.random()

    def drawn_after(options: dict[str, Any] | None) -> tuple[float, float, float]:
        torch.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        if options is not None:
            assert sampled(Drawing(20), options) == Fingerprint()
        return float(torch.rand(())), np.random.random(), random.random()

    assert drawn_after({}) == drawn_after(WORKERS) == drawn_after(None)


class AsWorker(Counting):
    """Needs to be in a worker that `prepare` has prepared."""

    prepared = False

    def __getitem__(self, row: int) -> int:
        info = get_worker_info()
        assert info is not None
        assert info.dataset is self
        assert (info.id, info.num_workers, self.prepared) == (0, 2, True)
        return row


def prepare(_worker: int) -> None:
    info = get_worker_info()
    assert info is not None
    info.dataset.prepared = True


@pytest.mark.slow
def test_the_process_is_to_the_dataset_a_worker_that_worker_init_fn_has_prepared() -> None:
    assert sampled(AsWorker(20), WORKERS | {"worker_init_fn": prepare}).value is not None
    assert sampled(AsWorker(20)) == Fingerprint()


def exit_at_once() -> int:
    os._exit(0)


def wait_long() -> int:
    time.sleep(600)
    return 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("read", "told"),
    [(exit_at_once, "the process that read eight rows died"), (wait_long, "not read in 1 s")],
)
def test_a_dataset_that_ends_the_process_or_never_ends_has_no_fingerprint(
    read: Any, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Bad(Counting):
        def __getitem__(self, row: int) -> int:
            return int(read())

    with caplog.at_level(logging.WARNING):
        assert sampled(Bad(20), seconds=1 if read is wait_long else 60) == Fingerprint()
    assert told in caplog.text


@pytest.mark.slow
def test_the_process_ends_whatever_the_dataset_has_started() -> None:
    class Starting(Counting):
        def __getitem__(self, row: int) -> int:
            threading.Thread(target=wait_long).start()
            return row

    process = SampleProcess(Starting(20), 20, WORKERS, 60)
    assert process.fingerprint().value is not None
    assert process._process.exitcode is not None


@pytest.mark.slow
def test_a_sample_that_nobody_asks_for_reads_nothing_and_can_be_ended() -> None:
    process = SampleProcess(Counting(20), 20, WORKERS, 60)
    process.close()
    assert process._process.exitcode is not None
