"""Counting the records of many CSV files side by side."""

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from batchprocess.data.index.count_lines import Said
from batchprocess.data.index.formats.csv_counter import CsvCounter, UnusualQuotes, refuse_long
from batchprocess.data.index.formats.csv_text import parse_header, record_spans
from batchprocess.data.index.formats.marks import Marks
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import BOM, MAX_LINE, Offsets
from batchprocess.data.index.packing.content import Content
from batchprocess.data.index.packing.unpacked import Point
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.parallel import Threads

_PARALLEL, _PIECE = 8, 1 << 20


def count_csv(
    known: Sequence[KnownObject],
    columns: Sequence[str] | None,
    delimiter: str,
    points: dict[int, list[Point]],
) -> Iterator[tuple[int, Offsets]]:
    """Of each file, in order, its rows, and marks as of lines.

    Fills `points`, of those that are packed. Raises InvalidArgument unless all have `columns`;
    None: all of them the same.
    """
    said = Said(sum(one.object.size for one in known))
    first: _File | None = None
    with Threads(_PARALLEL) as threads:
        counts = threads.in_order(partial(_count, one, delimiter, said) for one in known)
        for number, found in enumerate(counts):
            if len(found.points) > 1:
                points[number] = found.points
            if found.header is not None:
                first = first or found
                _refuse_other_columns(first, found, columns)
            yield found.rows, found.marks


class _File(NamedTuple):
    name: str
    header: tuple[str, ...] | None
    """None of an empty file."""
    rows: int
    marks: Offsets
    points: list[Point]


def _count(one: KnownObject, delimiter: str, said: Said) -> _File:
    content = Content(one, said.add)
    try:
        span, marks = _by_comparing(one.name, content, delimiter)
    except UnusualQuotes:
        content = Content(one, lambda _: None)
        span, marks = _by_parsing(one.name, content, delimiter)
    header = None
    if span is not None:
        head = content.head(span[1])[span[0] :]
        header = parse_header(head, one.name, delimiter)
    found = content.with_end(marks.rows, marks.all())
    return _File(one.name, header, marks.rows, found, content.points)


_Found = tuple[tuple[int, int] | None, Marks]


def _by_comparing(name: str, content: Content, delimiter: str) -> _Found:
    counter = CsvCounter(name, delimiter)
    for piece in _pieces(name, content):
        counter.feed(piece)
    counter.end()
    return counter.header, counter.marks


def _by_parsing(name: str, content: Content, delimiter: str) -> _Found:
    pieces = _pieces(name, content)
    first = next(pieces)
    skipped = len(BOM) if first.startswith(BOM) else 0
    lines = chain.from_iterable(map(io.BytesIO, chain([first[skipped:]], pieces)))
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


def _refuse_other_columns(first: _File, other: _File, columns: Sequence[str] | None) -> None:
    known, has = first.header or (), other.header or ()
    for column in columns or ():
        if column not in has:
            shown = ", ".join(has)[:500]
            raise InvalidArgument(f"{other.name} has no column {column!r}; it has {shown}")
    for column in () if columns is not None else sorted({*known} ^ {*has}):
        here, there = (other, first) if column in has else (first, other)
        raise InvalidArgument(
            f"column {column!r} is in {here.name}, and not in {there.name}: leave one of the two "
            "out, or name the columns that both have with columns="
        )
