"""Counting the records of CSV files."""

import io
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np

from batchprocess.data.index.blocks.count_files import FileRows
from batchprocess.data.index.formats.csv_counter import CsvCounter, UnusualQuotes, refuse_long
from batchprocess.data.index.formats.csv_text import parse_header, record_spans
from batchprocess.data.index.formats.marks import Marks
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import BOM, MAX_LINE
from batchprocess.data.index.packing.content import Content
from batchprocess.protocol.errors import InvalidArgument

_PIECE, _HEAD = 1 << 20, 64 << 10


class CsvFiles:
    """Counts files one by one; all must have `columns`, None: those of the first with a header.

    known: all files, in order.
    """

    def __init__(
        self, known: Sequence[KnownObject], columns: Sequence[str] | None, delimiter: str
    ) -> None:
        self.columns, self._known, self._delimiter = columns, known, delimiter
        self._lock = threading.Lock()

    def count(self, one: KnownObject) -> FileRows:
        """Its rows, and marks as of lines. Raises InvalidArgument if it has other columns."""
        content = Content(one)
        try:
            span, marks = _by_comparing(one.name, content, self._delimiter)
        except UnusualQuotes:
            content = Content(one)
            span, marks = _by_parsing(one.name, content, self._delimiter)
        if span is not None:
            head = content.head(span[1])[span[0] :]
            found = _Header(one.name, parse_header(head, one.name, self._delimiter))
            _refuse_other_columns(self._first, found, self.columns)
        return FileRows(marks.rows, content.with_end(marks.rows, marks.all()), content.points)

    @property
    def _first(self) -> "_Header | None":
        if self.columns is not None:
            return None
        with self._lock:
            return self._first_of_all

    @cached_property
    def _first_of_all(self) -> "_Header | None":
        """Every attempt compares with this one, whichever files it counts."""
        for one in self._known:
            content = Content(one, _HEAD)
            span = _header(one.name, content, self._delimiter)
            if span is not None:
                head = content.head(span[1])[span[0] :]
                return _Header(one.name, parse_header(head, one.name, self._delimiter))
        return None


class _Header(NamedTuple):
    name: str
    columns: tuple[str, ...]


_Found = tuple[tuple[int, int] | None, Marks]


def _by_comparing(name: str, content: Content, delimiter: str) -> _Found:
    counter = CsvCounter(name, delimiter)
    for piece in _pieces(name, content):
        counter.feed(piece)
    counter.end()
    return counter.header, counter.marks


def _header(name: str, content: Content, delimiter: str) -> tuple[int, int] | None:
    """Of the first record, reading little more than that."""
    counter = CsvCounter(name, delimiter)
    pieces = list[bytes]()
    try:
        for piece in _pieces(name, content):
            pieces.append(piece)
            counter.feed(piece)
            if counter.header is not None:
                return counter.header
    except UnusualQuotes:
        lines, skipped = _lines(iter(pieces))
        for begin, end in record_spans(lines, delimiter):
            return begin + skipped, end + skipped
    counter.end()
    return counter.header


def _lines(pieces: Iterator[bytes]) -> tuple[Iterator[bytes], int]:
    """Without a byte order mark; and how many bytes that has."""
    first = next(pieces)
    skipped = len(BOM) if first.startswith(BOM) else 0
    return chain.from_iterable(map(io.BytesIO, chain([first[skipped:]], pieces))), skipped


def _by_parsing(name: str, content: Content, delimiter: str) -> _Found:
    lines, skipped = _lines(_pieces(name, content))
    marks, header = Marks(), None
    for begin, end in record_spans(lines, delimiter):
        if end - begin > MAX_LINE:
            refuse_long(name, marks.rows - (header is None), end - begin)
        if header is None:
            header = begin + skipped, end + skipped
        else:
            marks.add(np.array([begin + skipped]))
    return header, marks


def _pieces(name: str, content: Iterable[bytes]) -> Iterator[bytes]:
    """All of a file, cut behind line feeds; the last gets one if it has none."""
    rest = bytearray()
    for chunk in content:
        for at in range(0, len(chunk), _PIECE):
            piece = chunk[at : at + _PIECE]
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield bytes(rest) + piece[:cut]
                rest.clear()
            rest += piece[cut:]
            if len(rest) > MAX_LINE:
                raise InvalidArgument(
                    f"{name}: a line has {len(rest):,} bytes or more, at most {MAX_LINE:,} are "
                    "allowed: is it a CSV file?"
                )
    if rest:
        yield bytes(rest) + b"\n"


def _refuse_other_columns(
    first: _Header | None, other: _Header, columns: Sequence[str] | None
) -> None:
    for column in columns or ():
        if column not in other.columns:
            shown = ", ".join(other.columns)[:500]
            raise InvalidArgument(f"{other.name} has no column {column!r}; it has {shown}")
    if columns is not None or first is None:
        return
    for column in sorted({*first.columns} ^ {*other.columns}):
        here, there = (other, first) if column in other.columns else (first, other)
        raise InvalidArgument(
            f"column {column!r} is in {here.name}, and not in {there.name}: leave one of the two "
            "out, or name the columns that both have with columns="
        )
