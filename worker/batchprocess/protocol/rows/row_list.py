"""A run's rows as a list that is kept with it: numbers of dataset rows, ascending, 8 bytes each."""

import hashlib
import sys
from array import array
from itertools import pairwise

from batchprocess.protocol.errors import VerificationError

ROWS_PREFIX = "rows/"
ROW_BYTES = 8
MAX_ROWS = 10_000_000
"""Of a list: each attempt has it in memory, and 80 MB are one request to any store."""


def row_list_key(sha256: str) -> str:
    """The same rows have the same key."""
    return f"{ROWS_PREFIX}{sha256}.i64"


def encode_rows(rows: "array[int]") -> bytes:
    """Little-endian, whatever machine this is. `rows`: ascending, of type q."""
    stored = rows[:]
    if sys.byteorder == "big":
        stored.byteswap()
    return stored.tobytes()


def decode_rows(
    body: bytes, key: str, *, rows: int, dataset_rows: int, sha256: str
) -> "array[int]":
    """What stands at `key`: so many of the dataset's rows.

    Raises VerificationError if it has other bytes than its digest says, or what is no such list.
    """
    if len(body) != rows * ROW_BYTES:
        raise VerificationError(f"{key} has {len(body)} bytes, not {ROW_BYTES} for each of {rows}")
    if hashlib.sha256(body).hexdigest() != sha256:
        raise VerificationError(f"{key} was changed: its digest is not the one in its name")
    found = array("q")
    found.frombytes(body)
    if sys.byteorder == "big":
        found.byteswap()
    require_ascending(found, key, dataset_rows)
    return found


def require_ascending(rows: "array[int]", where: str, dataset_rows: int) -> None:
    """Raise VerificationError unless each is a row of the dataset and behind the one before it."""
    if rows and not 0 <= rows[0] <= rows[-1] < dataset_rows:
        raise VerificationError(
            f"{where} has rows {rows[0]} to {rows[-1]}, and the dataset has {dataset_rows}"
        )
    for one, next_one in pairwise(rows):
        if one >= next_one:
            raise VerificationError(f"{where} has row {next_one} after {one}")
