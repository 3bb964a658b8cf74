"""Counting lines in pieces, in any order, and joining what was counted.

Lines end at a line feed. What stands behind the last one of an object is a line if it has bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from batchprocess.data.index.blocks.blank import have_text
from batchprocess.data.index.line_index import (
    BOM,
    EVERY_BYTES,
    EVERY_ROWS,
    MAX_LINE,
    Offsets,
)
from batchprocess.protocol.errors import InvalidArgument

_FEED, _PIECE = 10, 1 << 20
NO_MARKS: Offsets = np.empty((0, 2), np.int64)


@dataclass(frozen=True)
class LineCount:
    """What is known of a piece of an object.

    Its head ends with the first line feed, its tail begins behind the last; a piece without one is
    all head. `rows` and `marks` are of the lines between: row's number from 0, and where it begins
    in the object. `..._text`: whether there is anything that would make a row of a line that has
    no end yet.
    """

    start: int
    stop: int
    head_text: bool
    head_end: int = -1
    """Behind the first line feed; -1 without one."""
    rows: int = 0
    marks: Offsets = field(default_factory=lambda: NO_MARKS)
    tail: int = -1
    """Where it begins; -1 without a line feed."""
    tail_text: bool = False


def count_piece(content: bytes, start: int, *, skip_blank: bool) -> LineCount:
    """Of bytes that begin at `start` of an object; the first ones at least as long as a BOM."""
    if start == 0 and content.startswith(BOM):
        start, content = len(BOM), content[len(BOM) :]
    codes = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(codes == _FEED) + 1
    stop = start + len(content)
    if not len(ends):
        return LineCount(start, stop, _has_text(content, skip_blank))
    head, tail = int(ends[0]), int(ends[-1])
    begins = ends[:-1]
    if skip_blank and len(begins):
        begins = begins[have_text(codes[head:tail], ends[1:] - head)]
    return LineCount(
        start,
        stop,
        _has_text(content[: head - 1], skip_blank),
        start + head,
        len(begins),
        _marks(start + begins),
        start + tail,
        _has_text(content[tail:], skip_blank),
    )


def count_pieces(content: bytes, start: int, *, skip_blank: bool) -> Iterator[LineCount]:
    """As `count_piece`, of one after the other: a line may be one byte, and takes some 50 here."""
    for at in range(0, len(content), _PIECE):
        yield count_piece(content[at : at + _PIECE], start + at, skip_blank=skip_blank)


def _has_text(content: bytes, skip_blank: bool) -> bool:
    return bool(content.strip() if skip_blank else content)


def _marks(begins: Offsets) -> Offsets:
    """Of every 32nd row, and of the first in each MiB."""
    numbers = np.arange(len(begins))
    first = np.diff(begins // EVERY_BYTES, prepend=-1) > 0
    kept = (numbers % EVERY_ROWS == 0) | first
    return np.stack((numbers[kept], begins[kept]), axis=1).astype(np.int64)


class Joined:
    """Counts of pieces that follow one another in the object `name`, as one."""

    def __init__(self, name: str, *, skip_blank: bool) -> None:
        self._name, self._skip_blank = name, skip_blank
        self._start = self._stop = self._head_end = self._tail = -1
        self._head_text = self._tail_text = False
        self._rows = 0
        self._marks: list[Offsets] = []

    def add(self, more: LineCount) -> None:
        """The next piece. Raises InvalidArgument for a line that is too long."""
        self._start = more.start if self._start < 0 else self._start
        self._stop = more.stop
        self._refuse_long(more)
        if self._tail < 0:
            self._head_text |= more.head_text
            self._head_end = more.head_end
        else:
            self._tail_text |= more.head_text
        if more.head_end < 0:
            return
        if self._tail >= 0 and (self._tail_text or not self._skip_blank):
            self._add_row(self._tail)
        if len(more.marks):
            self._marks.append(more.marks + np.array([self._rows, 0]))
        self._rows += more.rows
        self._tail, self._tail_text = more.tail, more.tail_text

    def count(self) -> LineCount:
        """Of all pieces."""
        return LineCount(
            self._start,
            self._stop,
            self._head_text,
            self._head_end,
            self._rows,
            self._all_marks(),
            self._tail,
            self._tail_text,
        )

    def whole(self) -> tuple[int, Offsets]:
        """Rows and marks, if the pieces are all of the object."""
        if self._tail < 0:
            begin, has_text, after = self._start, self._head_text, []
        else:
            begin, has_text, after = self._tail, self._tail_text, self._head_rows()
        rows, marks = self._rows + len(after), self._all_marks()
        if after:
            marks = np.concatenate((np.array([[0, after[0]]]), marks + np.array([1, 0])))
        if has_text:
            marks = np.concatenate((marks, np.array([[rows, begin]])))
        return rows + has_text, marks

    def _head_rows(self) -> list[int]:
        """Where the object's first line begins, if that is a row and has an end."""
        return [self._start] if self._head_text or not self._skip_blank else []

    def _add_row(self, begin: int) -> None:
        self._marks.append(np.array([[self._rows, begin]]))
        self._rows += 1

    def _all_marks(self) -> Offsets:
        return np.concatenate(self._marks).astype(np.int64) if self._marks else NO_MARKS

    def _refuse_long(self, more: LineCount) -> None:
        begin = self._start if self._tail < 0 else self._tail
        size = (more.stop if more.head_end < 0 else more.head_end) - begin
        if size > MAX_LINE:
            raise InvalidArgument(
                f"{self._name}: the line that begins at byte {begin:,} has {size:,} bytes or more, "
                f"at most {MAX_LINE:,} are allowed: is it a file of lines?"
            )
