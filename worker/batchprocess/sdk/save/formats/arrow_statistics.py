"""Statistics of a Parquet file's columns, while it is written."""

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.tables.statistics import MAX_STATISTICS_COLUMNS, FileStatistics


class ColumnStatistics:
    """Of a file's first columns, group by group."""

    def __init__(self) -> None:
        self._rows = 0
        self._nulls: dict[str, int] = {}
        self._bounds: dict[str, tuple[Any, Any] | None] = {}
        """None: there was a value that they must not speak of."""

    def add(self, table: pa.Table) -> None:
        """Count the rows of one group."""
        self._rows += len(table)
        for name in table.column_names[:MAX_STATISTICS_COLUMNS]:
            column = table[name]
            self._nulls[name] = self._nulls.get(name, 0) + column.null_count
            if _has_bounds(column.type):
                self._add_bounds(name, column)

    def result(self) -> FileStatistics:
        """Of all that was added."""
        kept = {name: both for name, both in self._bounds.items() if both is not None}
        return FileStatistics(
            rows=self._rows,
            nulls=self._nulls,
            least={name: low for name, (low, _) in kept.items()},
            greatest={name: high for name, (_, high) in kept.items()},
        )

    def _add_bounds(self, name: str, column: pa.ChunkedArray) -> None:
        if len(column) == column.null_count or self._bounds.get(name, ()) is None:
            return
        found = pc.min_max(column).as_py()
        both = found["min"], found["max"]
        known = self._bounds.get(name)
        if not _may_be_told(column, both):
            self._bounds[name] = None
        elif known is None:
            self._bounds[name] = both
        else:
            self._bounds[name] = min(known[0], both[0]), max(known[1], both[1])


def _has_bounds(kind: Any) -> bool:
    # Of halves Arrow knows no least one, and Delta has none.
    types = pa.types
    return bool(types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind))


def _may_be_told(column: pa.ChunkedArray, both: tuple[Any, Any]) -> bool:
    if pa.types.is_integer(column.type):
        return all(abs(int(one)) <= MAX_COUNT for one in both)
    if not all(map(math.isfinite, both)):
        return False
    # The least and the greatest leave NaN out.
    has_nan: bool = pc.any(pc.is_nan(column)).as_py()
    return not has_nan
