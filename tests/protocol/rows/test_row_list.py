"""A list of rows is read as it was written, and what is no such list is refused."""

import hashlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.rows.row_list import decode_rows, encode_rows, row_list_key


def decoded(body: bytes, *, rows: int | None = None, dataset_rows: int = 2**53) -> "array[int]":
    digest = hashlib.sha256(body).hexdigest()
    number = len(body) // 8 if rows is None else rows
    return decode_rows(
        body, row_list_key(digest), rows=number, dataset_rows=dataset_rows, sha256=digest
    )


@given(st.sets(st.integers(0, 2**53 - 1)))
def test_rows_come_back(rows: set[int]) -> None:
    assert decoded(encode_rows(array("q", sorted(rows)))).tolist() == sorted(rows)


def test_bytes_are_the_same_on_every_machine() -> None:
    assert encode_rows(array("q", [1, 258])) == b"\1" + bytes(7) + b"\2\1" + bytes(6)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([3, 3], "has row 3 after 3"),
        ([5, 4, 6], "has row 4 after 5"),
        ([-1, 4], "has rows -1 to 4, and the dataset has 10"),
        ([4, 10], "has rows 4 to 10, and the dataset has 10"),
    ],
)
def test_rows_that_are_none_of_the_dataset_or_out_of_order_are_refused(
    rows: list[int], says: str
) -> None:
    with pytest.raises(VerificationError, match=says):
        decoded(encode_rows(array("q", rows)), dataset_rows=10)


def test_other_bytes_than_the_run_was_begun_with_are_refused() -> None:
    body = encode_rows(array("q", [1, 2]))
    with pytest.raises(VerificationError, match="has 16 bytes, not 8 for each of 3"):
        decoded(body, rows=3)
    with pytest.raises(VerificationError, match="was changed: its digest is not the one in its na"):
        decode_rows(body, row_list_key("0" * 64), rows=2, dataset_rows=9, sha256="0" * 64)
