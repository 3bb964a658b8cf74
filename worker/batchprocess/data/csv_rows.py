"""Rows of CSV files."""

import csv as csv_module
import io
from collections.abc import Sequence
from typing import Any, Final

from batchprocess.data.index.formats.csv_text import (
    DELIMITERS,
    parse_header,
    parse_records,
    record_spans,
)
from batchprocess.data.index.sources import Sources
from batchprocess.data.index.wanted import Wanted, wanted_of
from batchprocess.data.row_dataset import Row, RowDataset
from batchprocess.data.rows.asked_columns import asked_columns
from batchprocess.data.rows.part import Part
from batchprocess.data.rows.row_ids import check_id_column
from batchprocess.protocol.errors import InvalidArgument


def csv(
    source: Sources,
    *,
    columns: Sequence[str] | None = None,
    id: str | None = None,
    delimiter: str = ",",
) -> "CsvRows":
    """Each record behind a file's header is a row, `{name: text}`; empty lines are none. UTF-8.

    All values are texts, as they stand in the file. columns: those that a row has, in this order.
    Default: all; then all files have the same. id: the column that has the row's id; see
    `RowDataset.row_ids`. delimiter: one of `,`, `;`, `|` and the tabulator.
    """
    names = asked_columns(columns)
    if delimiter not in DELIMITERS:
        raise InvalidArgument(f"delimiter {delimiter!r} must be one of {DELIMITERS}")
    check_id_column(id, names)
    return CsvRows(wanted_of(source, "csv", names, id=id, delimiter=delimiter))


class CsvRows(RowDataset):
    """Rows of CSV files."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self._columns: Final = wanted.columns
        self._delimiter: Final = wanted.delimiter
        self._header: tuple[int, tuple[str, ...]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_header": None}

    def _rows_of(self, part: Part) -> list[Row]:
        header = self._header_of(part)
        rows = part.first, part.end
        span = self._index.span(part.block, part.number, rows, part.object.size)
        content = self._bytes(part, span.start, span.stop)
        these = slice(part.first - span.first_row, part.end - span.first_row)
        try:
            records = _parsed(content, header, self._delimiter)
        except ValueError:  # one by one, for one of them cannot be read
            spans = list(record_spans(io.BytesIO(content), self._delimiter))[these]
            records = [
                self._record(content[begin:end], header, f"{part.name}: row {part.first + at}")
                for at, (begin, end) in enumerate(spans)
            ]
        else:
            records = records[these]
        return [self._row(header, record) for record in records]

    def _record(self, content: bytes, header: Sequence[str], place: str) -> list[str]:
        try:
            return _parsed(content, header, self._delimiter)[0]
        except ValueError as error:
            shown = content[:60].decode(errors="replace")
            raise ValueError(f"{place} {_what(error)}: {shown!r}") from error

    def _row(self, header: Sequence[str], record: list[str]) -> Row:
        row: Row = dict(zip(header, record, strict=True))
        return row if self._columns is None else {name: row[name] for name in self._columns}

    def _header_of(self, part: Part) -> tuple[str, ...]:
        if self._header is None or self._header[0] != part.number:
            end = self._index.span(part.block, part.number, (0, 1), part.object.size).start
            content = self._bytes(part, 0, end)
            self._header = part.number, parse_header(content, part.name, self._delimiter)
        return self._header[1]


def _parsed(content: bytes, header: Sequence[str], delimiter: str) -> list[list[str]]:
    """Records that all fit the header; ValueError says what one of them is."""
    text = content.decode()
    if "\0" in text:
        raise ValueError("has a NUL character")
    try:
        records = parse_records(text, delimiter)
    except csv_module.Error as error:
        raise ValueError(f"is no CSV ({error})") from error
    for record in records:
        if len(record) != len(header):
            raise ValueError(f"has {len(record)} fields, and the header has {len(header)}")
    return records


def _what(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 (byte {error.start})"
    return str(error)
