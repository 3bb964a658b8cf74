"""The part of a block as bytes: where rows are in each object's piece in it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from batchprocess.data.index.line_index import Offsets
from batchprocess.protocol.errors import VerificationError

MAX_MARKS, MAX_POINTS = 2_000_000, 1_000_000
"""Of a block; of more only every second, fourth and so on is kept."""

_COLUMNS, _NUMBER = (3, 2, 3), "<i8"


class PieceRows(NamedTuple):
    """Rows of an object's piece: of an open one those between its head and its tail."""

    object: int
    rows: int
    marks: Offsets
    """Number of a row in there, and where it begins in the object."""
    points: Sequence[tuple[int, int]] = ()
    """Where members begin, in a packed object and in what it becomes."""


class BlockRows(NamedTuple):
    """Of all pieces of a block that have bytes."""

    pieces: Offsets
    """Object, rows and number of marks."""
    marks: Offsets
    points: Offsets
    """Object, and the two numbers of a point."""


def encode(pieces: Iterable[PieceRows]) -> bytes:
    """How many rows each of the three tables has, then these: int64, little-endian."""
    some = [one if len(one.marks) <= MAX_MARKS else _thinned(one) for one in pieces]
    table = [(one.object, one.rows, len(one.marks)) for one in some]
    points = [(one.object, *point) for one in some for point in one.points]
    while len(points) > MAX_POINTS:
        points = points[::2]
    marks = np.concatenate([np.empty((0, 2), np.int64), *(one.marks for one in some)])
    sizes = len(table), len(marks), len(points)
    return b"".join(np.asarray(one, _NUMBER).tobytes() for one in (sizes, table, marks, points))


def _thinned(one: PieceRows) -> PieceRows:
    """The first mark and the last stay: an end may be one."""
    step = -(-len(one.marks) // (MAX_MARKS - 1))
    return one._replace(marks=np.concatenate((one.marks[:-1:step], one.marks[-1:])))


def decode(body: bytes, name: str) -> BlockRows:
    """What was encoded; VerificationError if it is none of ours."""
    whole = len(body) // 8 * 8
    numbers = np.frombuffer(body[:whole], _NUMBER).astype(np.int64)
    sizes = [int(size) * columns for size, columns in zip(numbers[:3], _COLUMNS, strict=False)]
    if whole != len(body) or len(sizes) < 3 or min(sizes) < 0 or 3 + sum(sizes) != len(numbers):
        raise VerificationError(f"{name} cannot be read: it has {len(body)} bytes")
    tables = np.split(numbers[3:], np.cumsum(sizes[:2]))
    found = BlockRows(*(one.reshape(-1, n) for one, n in zip(tables, _COLUMNS, strict=True)))
    if found.pieces[:, 2].sum() != len(found.marks) or (np.diff(found.pieces[:, 0]) <= 0).any():
        raise VerificationError(f"{name} has other marks than it says")
    return found
