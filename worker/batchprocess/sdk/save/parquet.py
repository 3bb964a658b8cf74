"""Parquet files of `context.save`; the only place with pyarrow, which is an extra."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batchprocess.sdk.save.column_values import Values, numpy_of

_GROUP_BYTES = 32 << 20
"""Rows are written in groups of about this size: larger ones take memory, smaller ones time."""


class Parquet:
    """Column `id`, then the given ones.

    Rows of more than one value are fixed-size lists, nested by dimension; lists of Python values
    keep their own lengths.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None
        self._tables: list[Any] = []
        self._schema: Any = None
        self._bytes = 0

    def add(self, ids: Values, columns: Mapping[str, Values]) -> None:
        """Append rows; written once they make a row group."""
        table = pa.table({"id": _array(ids), **{name: _array(v) for name, v in columns.items()}})
        if self._writer is None:
            # A list of Nones, or of integers where floats are, has another inferred type.
            known = [table.schema] if self._schema is None else [self._schema, table.schema]
            self._schema = pa.unify_schemas(known, promote_options="permissive")
        self._tables.append(table)
        self._bytes += table.nbytes
        if self._bytes >= _GROUP_BYTES:
            self._write()

    def finish(self) -> None:
        """Write what is left, and the footer."""
        self._write()
        self._writer.close()

    def abandon(self) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.close()

    def _write(self) -> None:
        table = pa.concat_tables([one.cast(self._schema) for one in self._tables])
        if self._writer is None:
            # Dictionaries and statistics of numbers take time and save nothing here. Floats byte by
            # byte: half the time and half the bytes of embeddings, compared with snappy.
            texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
            self._writer = pq.ParquetWriter(
                self._path,
                table.schema,
                use_dictionary=texts,
                write_statistics=["id"],
                compression="zstd",
                compression_level=1,
                column_encoding=dict.fromkeys(_floats(table.schema), "BYTE_STREAM_SPLIT"),
            )
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        # An empty table stays, for its schema.
        self._tables, self._bytes = [table.slice(0, 0)], 0


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


def _array(values: Values) -> Any:
    if isinstance(values, list):
        return pa.array([value.tolist() if hasattr(value, "tolist") else value for value in values])
    made = pa.array(numpy_of(values.reshape(-1)))
    for size in reversed(values.shape[1:]):
        made = pa.FixedSizeListArray.from_arrays(made, int(size))
    return made
