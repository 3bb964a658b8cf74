"""The index on disk: written once by the process that builds it, read by all that read rows.

Nothing of it is in memory but what is looked at, and processes share the pages.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.packing.unpacked import Point
from batchprocess.data.listing.object_list import ObjectList, mapped
from batchprocess.storage.inputs.base import InputObject

ABOUT, _ROWS, _MARKS, _MARKS_OF = "index.json", "rows", "marks", "marks_of"
_POINTS = "points"
FILES = (_ROWS, _MARKS, _MARKS_OF, _POINTS)
"""Of an index, beside the listing; ABOUT comes last, and says that they are whole."""


class Place(NamedTuple):
    """Where a row stands: number of its object, and its number in there."""

    object: int
    row: int


class Span(NamedTuple):
    """Bytes that hold a row, and which row they begin with."""

    start: int
    stop: int
    first_row: int


def write_index(
    folder: Path,
    counted: Iterable[tuple[int, Offsets | None]],
    points: Mapping[int, Sequence[Point]] | None = None,
) -> int:
    """Write all beside the listing; `index.json` comes last, and says that the rest is whole.

    counted: of each object its rows, and marks of them as `Joined` has them, or None for all.
    points: where members of packed objects begin, by the object's number; read once `counted` has
    ended. Returns how many rows there are.
    """
    rows = marks = 0
    with (
        (folder / _ROWS).open("wb") as rows_file,
        (folder / _MARKS_OF).open("wb") as marks_of,
        (folder / _MARKS).open("wb") as marks_file,
    ):
        for file in (rows_file, marks_of):
            file.write(_number(0))
        for more, found in counted:
            rows += more
            rows_file.write(_number(rows))
            if found is not None:
                marks += len(found)
                marks_of.write(_number(marks))
                marks_file.write(np.ascontiguousarray(found, np.int64).tobytes())
    if points:
        _write_points(folder, points)
    (folder / "new").write_text(json.dumps({"rows": rows}))
    (folder / "new").rename(folder / ABOUT)
    return rows


def _number(one: int) -> bytes:
    return one.to_bytes(8, sys.byteorder)


def _write_points(folder: Path, points: Mapping[int, Sequence[Point]]) -> None:
    rows = [(number, *point) for number in sorted(points) for point in points[number]]
    np.array(rows, np.int64).tofile(folder / _POINTS)


class Index:
    """An index that was written; FileNotFoundError if it is not whole."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / ABOUT).read_bytes())
        self.objects = ObjectList(folder)
        self.rows: int = about["rows"]
        self.roots = self.objects.about.roots
        self.fingerprint = self.objects.about.fingerprint
        self._folder = folder
        self._last: tuple[int, tuple[str, InputObject]] = (-1, ("", InputObject("", 0)))
        self._before = mapped(folder / _ROWS)

    def place(self, row: int) -> Place:
        """Of a row of all."""
        number = int(np.searchsorted(self._before, row, "right")) - 1
        return Place(number, row - int(self._before[number]))

    def rows_in(self, number: int) -> int:
        """Of an object."""
        return int(self._before[number + 1] - self._before[number])

    def first_row(self, number: int) -> int:
        """Of an object, among all."""
        return int(self._before[number])

    def object(self, number: int) -> tuple[str, InputObject]:
        """Root and object."""
        if self._last[0] != number:
            self._last = number, self.objects[number]
        return self._last[1]

    def span(self, number: int, first: int, end: int, size: int) -> Span:
        """Bytes of an object, of `size` bytes, that hold its rows `first` to `end`."""
        marks = self._marks_in(number)
        low = int(np.searchsorted(marks[:, 0], first, "right")) - 1
        high = int(np.searchsorted(marks[:, 0], end, "left"))
        stop = int(marks[high, 1]) if high < len(marks) else size
        return Span(int(marks[low, 1]), stop, int(marks[low, 0]))

    def group(self, number: int, row: int) -> tuple[int, int, int]:
        """Of an object with row groups: number, first row and end of that which has the row."""
        marks = self._marks_in(number)
        at = int(np.searchsorted(marks[:, 0], row, "right")) - 1
        end = int(marks[at + 1, 0]) if at + 1 < len(marks) else self.rows_in(number)
        return int(marks[at, 1]), int(marks[at, 0]), end

    def point(self, number: int, offset: int) -> Point:
        """The last one of a packed object that is not behind `offset` of what it becomes."""
        if self._points is None:
            return Point()
        first, end = np.searchsorted(self._points[:, 0], (number, number + 1))
        at = int(np.searchsorted(self._points[first:end, 2], offset, "right")) - 1
        return Point(*map(int, self._points[first + at, 1:])) if at >= 0 else Point()

    @property
    def objects_with_points(self) -> int:
        """How many packed objects can be read from more than one place on."""
        return 0 if self._points is None else len(np.unique(self._points[:, 0]))

    def _marks_in(self, number: int) -> Offsets:
        return self._marks[int(self._marks_of[number]) : int(self._marks_of[number + 1])]

    @cached_property
    def _marks(self) -> Offsets:
        return mapped(self._folder / _MARKS).reshape(-1, 2)

    @cached_property
    def _marks_of(self) -> Offsets:
        return mapped(self._folder / _MARKS_OF)

    @cached_property
    def _points(self) -> Offsets | None:
        path = self._folder / _POINTS
        return mapped(path).reshape(-1, 3) if path.exists() else None
