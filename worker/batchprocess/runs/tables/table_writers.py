"""Rows of a table, as one file of another kind: each value exactly, or its column is refused."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv, types

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.tables.csv_times import refuse_times_out_of_range

_GROUP_BYTES = 32 << 20
_TEXTS = (types.is_string, types.is_large_string, types.is_string_view)
_PLAIN = (*_TEXTS, types.is_boolean, types.is_integer, types.is_floating)
_TIMES = (types.is_date, types.is_timestamp, types.is_time, types.is_decimal)


class TableWriter(Protocol):
    """One file while it grows."""

    def add(self, rows: pa.RecordBatch) -> None:
        """Append rows."""

    def finish(self) -> None:
        """Finish the file, so that it can be read."""

    def abandon(self) -> None:
        """Close the file, which nobody will read."""


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema, self._waiting, self._bytes = schema, list[pa.RecordBatch](), 0
        self._file = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, rows: pa.RecordBatch) -> None:
        self._waiting.append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= _GROUP_BYTES:
            self._write()

    def finish(self) -> None:
        self._write()
        self._file.close()

    def abandon(self) -> None:
        self._file.close()

    def _write(self) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._file.write_table(table, row_group_size=max(len(table), 1))
        self._waiting, self._bytes = [], 0


class _Csv:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        _require(schema, (*_PLAIN, *_TIMES), "csv")
        # Arrow writes no views.
        views = [types.is_string_view(one.type) for one in schema]
        self._schema = pa.schema(
            one.with_type(pa.string()) if is_view else one
            for one, is_view in zip(schema, views, strict=True)
        )
        self._file = csv.CSVWriter(path, self._schema)

    def add(self, rows: pa.RecordBatch) -> None:
        refuse_times_out_of_range(rows)
        self._file.write_batch(rows.cast(self._schema))

    def finish(self) -> None:
        self._file.close()

    abandon = finish


class _JsonLines:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        _require(schema, _PLAIN, "jsonl")
        self._file = path.open("w", encoding="utf-8")

    def add(self, rows: pa.RecordBatch) -> None:
        for row in rows.to_pylist():
            try:
                line = json.dumps(row, ensure_ascii=False, allow_nan=False)
            except ValueError as error:
                raise InvalidArgument(
                    f"the row with id {row.get('id')!r:.100} has NaN or infinity, which JSON has "
                    "not: write a .parquet or a .csv"
                ) from error
            self._file.write(f"{line}\n")

    def finish(self) -> None:
        self._file.close()

    abandon = finish


WRITERS: Mapping[str, Callable[[Path, pa.Schema], TableWriter]] = {
    ".parquet": _Parquet,
    ".jsonl": _JsonLines,
    ".csv": _Csv,
}
"""By suffix. InvalidArgument names a column whose values the format cannot hold exactly."""


def _require(schema: pa.Schema, kinds: tuple[Callable[[Any], bool], ...], form: str) -> None:
    for field in schema:
        if not _holds(field.type, kinds, nested=form == "jsonl"):
            raise InvalidArgument(
                f"column {field.name!r} is of type {field.type}, which .{form} does not hold "
                "exactly: write a .parquet"
            )


def _holds(kind: Any, kinds: tuple[Callable[[Any], bool], ...], *, nested: bool) -> bool:
    if any(is_kind(kind) for is_kind in kinds):
        return True
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not nested or not (lists or types.is_struct(kind)):
        return False
    return all(_holds(kind.field(n).type, kinds, nested=True) for n in range(kind.num_fields))
