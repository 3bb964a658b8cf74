"""The rows of one block, by number."""

from typing import NamedTuple

import numpy as np

from batchprocess.data.index.blocks.open_lines import NONE, BlockEnds, Ends
from batchprocess.data.index.blocks.part import BlockRows
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.packing.unpacked import Point


class RowPlace(NamedTuple):
    """Where a row is: its object, its number in there, and behind which one the block's end."""

    object: int
    row: int
    end: int


class Span(NamedTuple):
    """Bytes that hold a row, and which row they begin with."""

    start: int
    stop: int
    first_row: int


class BlockView:
    """A block's part, and what its neighbours say of lines at its ends."""

    def __init__(self, found: BlockRows, ends: BlockEnds) -> None:
        self._objects = np.ascontiguousarray(found.pieces[:, 0])
        self._points = found.points
        self._marks = found.marks
        self._marks_end = np.cumsum(found.pieces[:, 2])
        last = len(self._objects) - 1
        self._open = {
            at: one for at, one in ((0, ends.first), (last, ends.last)) if one.base != NONE
        }
        rows = found.pieces[:, 1].copy()
        for at, one in self._open.items():
            rows[at] += (one.head != NONE) + (one.tail != NONE)
        self._ends = np.cumsum(rows)
        self._known: dict[int, Offsets] = {}

    def place(self, row: int) -> RowPlace:
        """Of a row of the block."""
        at = int(np.searchsorted(self._ends, row, "right"))
        first, base = self._begin(at), self._base(at)
        return RowPlace(
            int(self._objects[at]), base + row - first, base + int(self._ends[at]) - first
        )

    def first_row(self, number: int) -> int | None:
        """The first row of an object that begins here, counted in the block."""
        at = int(np.searchsorted(self._objects, number))
        if at == len(self._objects) or self._objects[at] != number:
            return None
        first = self._begin(at)
        return first if first < self._ends[at] else None

    def span(self, number: int, first: int, end: int, size: int) -> Span:
        """Bytes of an object, of `size` bytes, that hold its rows `first` to `end`."""
        at = self._at(number)
        marks = self._marks_in(at)
        low = int(np.searchsorted(marks[:, 0], first, "right")) - 1
        high = int(np.searchsorted(marks[:, 0], end, "left"))
        whole = self._open[at].stop if at in self._open else size
        stop = int(marks[high, 1]) if high < len(marks) else whole
        return Span(int(marks[low, 1]), stop, int(marks[low, 0]))

    def group(self, number: int, row: int) -> tuple[int, int, int]:
        """Of an object with row groups: number, first row and end of that which has the row."""
        piece = self._at(number)
        marks = self._marks_in(piece)
        at = int(np.searchsorted(marks[:, 0], row, "right")) - 1
        whole = int(self._ends[piece]) - self._begin(piece)
        end = int(marks[at + 1, 0]) if at + 1 < len(marks) else whole
        return int(marks[at, 1]), int(marks[at, 0]), end

    def point(self, number: int, offset: int) -> Point:
        """The last one of a packed object that is not behind `offset` of what it becomes."""
        first, end = np.searchsorted(self._points[:, 0], (number, number + 1))
        at = int(np.searchsorted(self._points[first:end, 2], offset, "right")) - 1
        return Point(*map(int, self._points[first + at, 1:])) if at >= 0 else Point()

    def _at(self, number: int) -> int:
        return int(np.searchsorted(self._objects, number))

    def _begin(self, at: int) -> int:
        return int(self._ends[at - 1]) if at else 0

    def _base(self, at: int) -> int:
        return self._open[at].base if at in self._open else 0

    def _marks_in(self, at: int) -> Offsets:
        begin = int(self._marks_end[at - 1]) if at else 0
        marks = self._marks[begin : int(self._marks_end[at])]
        if at not in self._open:
            return marks
        if at not in self._known:
            rows = int(self._ends[at]) - self._begin(at)
            self._known[at] = _with_ends(marks, self._open[at], rows)
        return self._known[at]


def _with_ends(marks: Offsets, ends: Ends, rows: int) -> Offsets:
    """Numbered as in the object, with the rows at the ends."""
    has_head, has_tail = ends.head != NONE, ends.tail != NONE
    moved = marks + np.array([ends.base + has_head, 0])
    head = [[ends.base, ends.head]] if has_head else []
    tail = [[ends.base + rows - 1, ends.tail]] if has_tail else []
    parts = (np.array(some, np.int64).reshape(-1, 2) for some in (head, moved, tail))
    return np.concatenate([*parts])
