"""A part is read as it was written, or refused."""

import numpy as np
import pytest

from batchprocess.data.index.blocks import part as module
from batchprocess.data.index.blocks.part import PieceRows, decode, encode
from batchprocess.protocol.errors import VerificationError

MARKS = np.stack((np.arange(9), np.arange(9) * 10), axis=1)
PIECES = [
    PieceRows(3, 9, MARKS),
    PieceRows(4, 0, MARKS[:0]),
    PieceRows(7, 5, MARKS[:2], [(0, 0), (5, 50)]),
]


@pytest.mark.parametrize("pieces", [[], PIECES[1:2], PIECES])
def test_what_was_counted_comes_back(pieces: list[PieceRows]) -> None:
    found = decode(encode(pieces), "part")
    assert found.pieces.tolist() == [[one.object, one.rows, len(one.marks)] for one in pieces]
    assert found.marks.tolist() == [mark for one in pieces for mark in one.marks.tolist()]
    assert found.points.tolist() == [[one.object, *point] for one in pieces for point in one.points]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        encode(PIECES)[:30],
        encode(PIECES)[:-40],
        encode(PIECES) + b"x",
        encode(PIECES[::-1]),
    ],
)
def test_what_is_no_part_is_refused(body: bytes) -> None:
    with pytest.raises(VerificationError, match="part (cannot be read|has other marks)"):
        decode(body, "part")


def test_a_part_has_so_many_marks_and_the_last_is_one_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for most, expected in ((9, range(9)), (8, [0, 2, 4, 6, 8]), (4, [0, 3, 6, 8]), (2, [0, 8])):
        monkeypatch.setattr(module, "MAX_MARKS", most)
        found = decode(encode(PIECES[:1]), "part")
        assert found.marks[:, 0].tolist() == list(expected)
        assert found.pieces.tolist() == [[3, 9, len(found.marks)]]


def test_a_part_has_so_many_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_POINTS", 1)
    assert decode(encode(PIECES), "part").points.tolist() == [[7, 0, 0]]
