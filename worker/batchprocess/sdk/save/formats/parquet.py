"""Parquet files of `context.save`; with its neighbours `arrow_*` the only place with pyarrow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batchprocess.sdk.save.column_values import numpy_of
from batchprocess.sdk.save.formats.arrow_casts import widened_table
from batchprocess.sdk.save.formats.arrow_column import ArrowColumn
from batchprocess.sdk.save.formats.arrow_statistics import ColumnStatistics
from batchprocess.sdk.save.formats.arrow_types import as_text, place_without_keys, wider
from batchprocess.sdk.save.formats.kept_statistics import keep_statistics

_GROUP_BYTES = 32 << 20
"""Rows are written in groups of about this size: larger ones take memory, smaller ones time."""


class Parquet:
    """Column `id`, then the given ones.

    Rows of more than one value are fixed-size lists, nested by dimension; lists of Python values
    keep their own lengths. Rows whose types the file has not had so far widen its schema, and what
    was written already is written again.
    """

    def __init__(self, path: Path, schema: Any = None) -> None:
        self._path = path
        self._writer: Any = None
        self._tables: list[Any] = []
        self._schema = schema
        self._bytes = 0
        self._statistics = ColumnStatistics()

    def add(self, ids: Any, columns: Mapping[str, Any]) -> None:
        """Append rows, columns as tensors, texts, or arrays of Arrow; kept till they make a group.

        Raises what `wider` and an exact cast raise; `ArrowColumn.joined` has asked before.
        """
        table = pa.table({"id": _array(ids), **{name: _array(v) for name, v in columns.items()}})
        if self._schema is None:
            self._schema = table.schema
        table = table.select(self._schema.names)
        self._widen(_wider_schema(self._schema, table.schema))
        self._tables.append(table)
        self._bytes += table.nbytes
        if self._bytes >= _GROUP_BYTES:
            self._write()

    def finish(self, types: Any = None) -> None:
        """Write what is left, and the footer; with the schema of `types`, if there is one."""
        if types is not None:
            self._widen(types.schema)
        self._write()
        self._writer.close()
        keep_statistics(self._path, self._statistics.result())

    def abandon(self) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.close()

    def _write(self) -> None:
        table = pa.concat_tables([widened_table(one, self._schema) for one in self._tables])
        if self._writer is None:
            self._writer = _opened(self._path, self._schema)
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._statistics.add(table)
        # An empty table stays, for its schema.
        self._tables, self._bytes = [table.slice(0, 0)], 0

    def _widen(self, schema: Any) -> None:
        """Nothing of the file is committed yet: its groups can be written again, one by one."""
        if schema == self._schema:
            return
        self._schema = schema
        if self._writer is None:
            return
        self._writer.close()
        self._writer = _copied(self._path, schema)


class SavedColumns:
    """Columns of a finished file, as an error wants them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> ArrowColumn | None:
        """The first rows of a column."""
        with pq.ParquetFile(self._path) as file:
            if key not in file.schema_arrow.names or not file.num_row_groups:
                return None
            column = file.read_row_group(0).column(key)
        return ArrowColumn(key, column.combine_chunks())


def rewrite(path: Path, schema: Any) -> None:
    """Write a finished file again, with types for columns that have had none."""
    _copied(path, schema).close()


def _copied(path: Path, schema: Any) -> Any:
    """A writer in place of the file, to which all that it had is written with this schema."""
    before = path.rename(path.with_name(f"{path.name}.narrower"))
    writer = _opened(path, schema)
    with pq.ParquetFile(before) as file:
        for number in range(file.num_row_groups):
            table = widened_table(file.read_row_group(number), schema)
            writer.write_table(table, row_group_size=max(len(table), 1))
    before.unlink()
    return writer


def _opened(path: Path, schema: Any) -> Any:
    for field in schema:
        if (place := place_without_keys((field.name,), field.type)) is not None:
            raise ValueError(
                f"column {as_text(place)} has dicts, and none with a key, which Parquet cannot "
                "hold: give them one, or save it as .jsonl"
            )
    # Dictionaries and statistics of numbers take time and save nothing here. Floats byte by
    # byte: half the time and half the bytes of embeddings, compared with snappy.
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(
        path,
        schema,
        use_dictionary=texts,
        write_statistics=["id"],
        compression="zstd",
        compression_level=1,
        column_encoding=dict.fromkeys(_floats(schema), "BYTE_STREAM_SPLIT"),
    )


def _wider_schema(known: Any, new: Any) -> Any:
    # Without bounds of integers: the cast refuses what is not exact.
    fields = [
        pa.field(one.name, wider((one.name,), one.type, new.field(one.name).type, {}))
        for one in known
    ]
    return pa.schema(fields)


def _floats(schema: Any) -> list[str]:
    """Paths of the columns of 32 or 64 bit floats, as Parquet names them."""
    found = []
    for field in schema:
        kind, path = field.type, field.name
        while pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
            kind, path = kind.value_type, f"{path}.list.element"
        if pa.types.is_float32(kind) or pa.types.is_float64(kind):
            found.append(path)
    return found


def _array(values: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, list):
        return pa.array(values, pa.string() if values else None)
    made, rows = pa.array(numpy_of(values.reshape(-1))), values.shape
    for axis in reversed(range(1, len(rows))):
        made = _rows_of(made, int(rows[axis]), rows[:axis].numel())
    return made


def _rows_of(items: Any, size: int, rows: int) -> Any:
    if size:
        return pa.FixedSizeListArray.from_arrays(items, size)
    # Lists of a fixed length of nothing are written, and no reader reads them.
    return pa.ListArray.from_arrays(pa.array([0] * (rows + 1), pa.int32()), items)
