"""Columns that a reader is asked for."""

from typing import Any

import pytest

from batchprocess.data import csv, jsonl, parquet, tar
from batchprocess.data.rows.asked_columns import asked_columns
from batchprocess.protocol.errors import InvalidArgument


def test_they_stay_in_their_order() -> None:
    assert asked_columns(["b", "a"]) == ("b", "a")
    assert asked_columns(None) is None


@pytest.mark.parametrize("reader", [csv, jsonl, parquet, tar])
@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ("ab", "columns 'ab' must be a list of (names|keys|extensions), of at least one"),
        ([], "must be a list of"),
        (["a", 1], "columns has 1, which is no text"),
        (["a", "b", "a"], "columns has 'a' twice: a row has it once"),
    ],
)
def test_what_is_no_list_of_different_texts_is_refused(
    reader: Any, columns: Any, sentence: str
) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        reader("x", columns=columns)
