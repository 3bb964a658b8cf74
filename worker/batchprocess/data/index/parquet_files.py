"""Footers of Parquet files: how many rows each group has, and which columns there are."""

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from batchprocess.data.index.blocks.count_files import FileRows
from batchprocess.data.index.blocks.part import MAX_MARKS
from batchprocess.data.index.input_file import InputFile
from batchprocess.data.index.known_object import KnownObject
from batchprocess.protocol.errors import InvalidArgument

try:
    import pyarrow
    import pyarrow.parquet
except ModuleNotFoundError as missing:
    raise InvalidArgument(
        f"reading Parquet needs pyarrow ({missing}): pip install pyarrow"
    ) from None


def open_parquet(size: int, read: Callable[[int, int], bytes], name: str) -> Any:
    """A pyarrow.parquet.ParquetFile; InvalidArgument if it is none."""
    try:
        return pyarrow.parquet.ParquetFile(InputFile(size, read), pre_buffer=True)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:  # never of reading
        said = " ".join(str(error).split())[:200]
        raise InvalidArgument(f"{name} is no whole Parquet file: {said}") from error


class ParquetFiles:
    """Counts files one by one; all must have `columns` of the same types, None: all their columns.

    known: all files, in order.
    """

    def __init__(self, known: Sequence[KnownObject], columns: Sequence[str] | None) -> None:
        self.columns, self._known = columns, known
        self._lock = threading.Lock()

    def count(self, one: KnownObject) -> FileRows:
        """Its rows, and of its row groups that have any first row and number; two columns."""
        file = open_parquet(one.object.size, one.read, one.name)
        with self._lock:
            first = self._first
        _refuse_other_columns(first, _columns(file, one.name, self.columns))
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        if len(sizes) > MAX_MARKS:
            raise InvalidArgument(
                f"{one.name} has {len(sizes):,} row groups, at most {MAX_MARKS:,} are allowed: "
                "write it with larger ones"
            )
        firsts = np.cumsum([0, *sizes])
        groups = [(int(firsts[n]), n) for n, size in enumerate(sizes) if size]
        return FileRows(int(firsts[-1]), np.array(groups, np.int64).reshape(-1, 2))

    @cached_property
    def _first(self) -> "_Columns":
        """Every attempt compares with this one, whichever files it counts."""
        one = self._known[0]
        file = open_parquet(one.object.size, one.read, one.name)
        return _columns(file, one.name, self.columns)


class _Columns(NamedTuple):
    name: str
    columns: dict[str, Any]
    """Type by name."""


def _columns(file: Any, name: str, columns: Sequence[str] | None) -> _Columns:
    schema = file.schema_arrow
    types = dict(zip(schema.names, schema.types, strict=True))
    if len(types) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise InvalidArgument(
            f"{name} has two columns {twice!r}, and a row would lose one: rename it"
        )
    for column in columns or ():
        if column not in types:
            has = ", ".join(types)[:500]
            raise InvalidArgument(f"{name} has no column {column!r}; it has {has}")
    if columns is not None:
        types = {column: types[column] for column in columns}
    return _Columns(name, types)


def _refuse_other_columns(first: _Columns, other: _Columns) -> None:
    for column in first.columns | other.columns:
        known, found = first.columns.get(column), other.columns.get(column)
        if known != found:
            raise InvalidArgument(
                f"column {column!r} is {found or 'not there'} in {other.name}, and "
                f"{known or 'not there'} in {first.name}: leave one of the two out, or name the "
                "columns that are alike with columns="
            )
