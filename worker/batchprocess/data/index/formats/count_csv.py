"""Counting the records of many CSV files side by side."""

import io
from collections.abc import Iterator, Sequence
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
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.parallel import Threads

_PARALLEL, _CHUNK, _PIECE = 8, 8 << 20, 1 << 20


def count_csv(
    known: Sequence[KnownObject], columns: Sequence[str] | None, delimiter: str
) -> Iterator[tuple[int, Offsets]]:
    """Of each file, in order, its rows, and marks as of lines.

    Raises InvalidArgument unless all have `columns`; None: all of them the same.
    """
    said = Said(sum(one.object.size for one in known))
    first: _File | None = None
    with Threads(_PARALLEL) as threads:
        for found in threads.in_order(partial(_count, one, delimiter, said) for one in known):
            if found.header is not None:
                first = first or found
                _refuse_other_columns(first, found, columns)
            yield found.marks.rows, found.marks.all()


class _File(NamedTuple):
    name: str
    header: tuple[str, ...] | None
    """None of an empty file."""
    marks: Marks


def _count(one: KnownObject, delimiter: str, said: Said) -> _File:
    try:
        span, marks = _by_comparing(one, delimiter, said)
    except UnusualQuotes:
        span, marks = _by_parsing(one, delimiter)
    if span is None:
        return _File(one.name, None, marks)
    content = one.read(span[0], min(span[1], one.object.size))
    return _File(one.name, parse_header(content, one.name, delimiter), marks)


_Found = tuple[tuple[int, int] | None, Marks]


def _by_comparing(one: KnownObject, delimiter: str, said: Said) -> _Found:
    counter = CsvCounter(one.name, delimiter)
    for piece in _pieces(one):
        counter.feed(piece)
        said.add(len(piece))
    counter.end()
    return counter.header, counter.marks


def _by_parsing(one: KnownObject, delimiter: str) -> _Found:
    pieces = _pieces(one)
    first = next(pieces)
    skipped = len(BOM) if first.startswith(BOM) else 0
    lines = chain.from_iterable(map(io.BytesIO, chain([first[skipped:]], pieces)))
    marks, header = Marks(), None
    for begin, end in record_spans(lines, delimiter):
        if end - begin > MAX_LINE:
            refuse_long(one.name, marks.rows - (header is None), end - begin)
        if header is None:
            header = begin + skipped, end + skipped
        else:
            marks.add(np.array([begin + skipped]))
    return header, marks


def _pieces(one: KnownObject) -> Iterator[bytes]:
    """All of a file, cut behind line feeds; the last gets one if it has none."""
    rest = bytearray()
    for start in range(0, one.object.size, _CHUNK):
        chunk = one.read(start, min(start + _CHUNK, one.object.size))
        for at in range(0, len(chunk), _PIECE):
            piece = chunk[at : at + _PIECE]
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield bytes(rest) + piece[:cut]
                rest.clear()
            rest += piece[cut:]
            if len(rest) > MAX_LINE:
                raise InvalidArgument(
                    f"{one.name}: a line has {len(rest):,} bytes or more, at most {MAX_LINE:,} are "
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
