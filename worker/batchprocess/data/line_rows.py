"""Lines as rows: texts, and JSON objects."""

import json
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from batchprocess.data.index.line_index import lines_of
from batchprocess.data.index.sources import Sources
from batchprocess.data.index.wanted import Wanted, wanted_of
from batchprocess.data.row_dataset import Row, RowDataset
from batchprocess.data.rows.asked_columns import asked_columns
from batchprocess.data.rows.part import Part
from batchprocess.data.rows.row_ids import check_id_column


def text(source: Sources) -> "LineRows":
    """Each line is a row `{"text": str}`, without its end; blank ones too. UTF-8."""
    return LineRows(wanted_of(source, "lines"), parse=_texts)


def jsonl(
    source: Sources, *, columns: Sequence[str] | None = None, id: str | None = None
) -> "LineRows":
    """Each line is a JSON object, and a row; blank lines are none. UTF-8.

    columns: keys of a row, in this order; one that a line has not is None. Default: all that a
    line has. Numbers are exact: integers of any size, floats as Python reads them. Of a key that
    is there twice the last value counts. id: the key whose value, a text or an integer, is the
    row's id; see `RowDataset.row_ids`.
    """
    names = asked_columns(columns, "keys")
    check_id_column(id, names)
    wanted = wanted_of(source, "lines that are not blank", names, id=id)
    return LineRows(wanted, parse=_Objects(names))


MAX_LEVELS = 200
"""That a JSON row may be nested: of some more, batches could not be sent by a loader process, and
how many Python reads depends on who asks."""


class LineRows(RowDataset):
    """Rows that are lines. `parse` makes rows of some; ValueError or RecursionError if it can't."""

    def __init__(self, wanted: Wanted, *, parse: Callable[[list[str]], list[Row]]) -> None:
        super().__init__(wanted)
        self._skip_blank: Final = wanted.rows == "lines that are not blank"
        self._parse: Final = parse

    def _rows_of(self, part: Part) -> list[Row]:
        first, end = part.first, part.end
        span = self._index.span(part.block, part.number, (first, end), part.object.size)
        content = self._bytes(part, span.start, span.stop)
        lines = lines_of(content, skip_blank=self._skip_blank)
        wanted = lines[first - span.first_row : end - span.first_row]
        try:
            return self._parse([line.decode() for line in wanted])
        except (ValueError, RecursionError):
            return [self._row(line, part.name, first + n) for n, line in enumerate(wanted)]

    def _row(self, line: bytes, name: str, number: int) -> Row:
        """One by one, for one of them cannot be read."""
        try:
            return self._parse([line.decode()])[0]
        except (ValueError, RecursionError) as error:
            shown = line[:60].decode(errors="replace")
            raise ValueError(f"{name}: row {number} {_what(error)}: {shown!r}") from error


def _texts(lines: list[str]) -> list[Row]:
    return [{"text": line} for line in lines]


class _Objects:
    """A parser of JSON objects, which can be pickled."""

    def __init__(self, columns: tuple[str, ...] | None) -> None:
        self._columns = columns

    def __call__(self, lines: list[str]) -> list[Row]:
        found = [_json(line) for line in lines]
        if self._columns is None:
            return found
        return [{name: row.get(name) for name in self._columns} for row in found]


def _json(line: str) -> Row:
    # Half the time of `json.loads`, which first looks for white space at both ends.
    found, end = _DECODER.raw_decode(line) if line[:1] == "{" else (None, -1)
    if end != len(line):
        found = json.loads(line)
    if type(found) is not dict:
        raise _NoObject(type(found).__name__)
    if len(line) > 2 * MAX_LEVELS and _may_be_deep(line) and _is_deep(found):
        raise RecursionError
    return found


def _may_be_deep(line: str) -> bool:
    # Counting looks at each character, finding does not: most rows have nothing nested.
    if "[" not in line and line.find("{", 1) < 0:
        return False
    return line.count("[") + line.count("{") > MAX_LEVELS


def _is_deep(row: Row) -> bool:
    levels, here = 0, [row]
    while here and levels <= MAX_LEVELS:
        inside = (one.values() if type(one) is dict else one for one in here)
        here = [one for one in chain.from_iterable(inside) if type(one) in (dict, list)]
        levels += 1
    return levels > MAX_LEVELS


_DECODER = json.JSONDecoder()


class _NoObject(ValueError):
    pass


def _what(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return f"is not UTF-8 (byte {error.start})"
        case _NoObject():
            return f"is no JSON object, but a {error}"
        case RecursionError():
            return f"is nested deeper than {MAX_LEVELS} levels"
        case json.JSONDecodeError():
            return f"is no JSON ({error.msg}, column {error.colno})"
    return f"cannot be read ({error})"
