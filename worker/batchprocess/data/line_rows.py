"""Lines as rows: texts, and JSON objects."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from batchprocess.data.index.line_index import lines_of
from batchprocess.data.index.sources import Sources
from batchprocess.data.row_dataset import Part, Row, RowDataset, wanted_of
from batchprocess.protocol.errors import InvalidArgument


def text(source: Sources) -> "LineRows":
    """Each line is a row `{"text": str}`, without its end; blank ones too. UTF-8."""
    return LineRows(source, skip_blank=False, parse=_text)


def jsonl(source: Sources, *, columns: Sequence[str] | None = None) -> "LineRows":
    """Each line is a JSON object, and a row; blank lines are none. UTF-8.

    columns: keys of a row, in this order; one that a line has not is None. Default: all that a
    line has. Numbers are exact: integers of any size, floats as Python reads them.
    """
    names = None if columns is None else tuple(columns)
    if isinstance(columns, str) or (names is not None and not names):
        raise InvalidArgument(f"columns {columns!r} must be a list of keys, of at least one")
    return LineRows(source, skip_blank=True, parse=_Object(names))


class LineRows(RowDataset):
    """Rows that are lines. `parse` makes a row of one."""

    def __init__(self, source: Sources, *, skip_blank: bool, parse: Callable[[bytes], Row]) -> None:
        super().__init__(wanted_of(source, "lines that are not blank" if skip_blank else "lines"))
        self._skip_blank: Final = skip_blank
        self._parse: Final = parse

    def _rows_of(self, part: Part) -> list[Row]:
        first, end = part.first, part.end
        span = self._index.span(part.number, first, end, part.object.size)
        content = self._bytes(part, span.start, span.stop)
        lines = lines_of(content, skip_blank=self._skip_blank)
        wanted = lines[first - span.first_row : end - span.first_row]
        return [self._row(line, part.name, first + n) for n, line in enumerate(wanted)]

    def _row(self, line: bytes, name: str, number: int) -> Row:
        try:
            return self._parse(line)
        except (ValueError, RecursionError) as error:
            shown = line[:60].decode(errors="replace")
            raise ValueError(f"{name}: row {number} {_what(error)}: {shown!r}") from error


def _text(line: bytes) -> Row:
    return {"text": line.decode()}


class _Object:
    """A JSON object's parser, which can be pickled."""

    def __init__(self, columns: tuple[str, ...] | None) -> None:
        self._columns = columns

    def __call__(self, line: bytes) -> Row:
        found: Any = json.loads(line.decode())
        if not isinstance(found, dict):
            raise _NoObject(type(found).__name__)
        if self._columns is None:
            return found
        return {name: found.get(name) for name in self._columns}


class _NoObject(ValueError):
    pass


def _what(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return f"is not UTF-8 (byte {error.start})"
        case _NoObject():
            return f"is no JSON object, but a {error}"
        case RecursionError():
            return "is nested too deep"
        case json.JSONDecodeError():
            return f"is no JSON ({error.msg}, column {error.colno})"
    return f"cannot be read ({error})"
