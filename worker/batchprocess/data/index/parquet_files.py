"""Footers of Parquet files: how many rows each group has, and which columns there are."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from batchprocess.data.index.input_file import InputFile
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.parallel import Threads

try:
    import pyarrow
    import pyarrow.parquet
except ModuleNotFoundError as missing:
    raise InvalidArgument(
        f"reading Parquet needs pyarrow ({missing}): pip install pyarrow"
    ) from None

_PARALLEL = 8


def open_parquet(size: int, read: Callable[[int, int], bytes], name: str) -> Any:
    """A pyarrow.parquet.ParquetFile; InvalidArgument if it is none."""
    try:
        return pyarrow.parquet.ParquetFile(InputFile(size, read), pre_buffer=True)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:  # never of reading
        said = " ".join(str(error).split())[:200]
        raise InvalidArgument(f"{name} is no whole Parquet file: {said}") from error


def count_groups(
    known: Sequence[KnownObject], columns: Sequence[str] | None
) -> Iterator[tuple[int, Offsets]]:
    """Of each file, in order, its rows, and of its row groups first row and number; two columns.

    Raises InvalidArgument unless all have `columns` of the same types; None: all their columns.
    """
    first: _Footer | None = None
    with Threads(_PARALLEL) as threads:
        for found in threads.in_order(partial(_footer, one, columns) for one in known):
            first = first or found
            _refuse_other_columns(first, found)
            yield found.rows, found.groups


class _Footer(NamedTuple):
    name: str
    columns: dict[str, Any]
    """Type by name."""
    rows: int
    groups: Offsets


def _footer(one: KnownObject, columns: Sequence[str] | None) -> _Footer:
    file = open_parquet(one.object.size, one.read, one.name)
    schema = file.schema_arrow
    types = dict(zip(schema.names, schema.types, strict=True))
    if len(types) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise InvalidArgument(
            f"{one.name} has two columns {twice!r}, and a row would lose one: rename it"
        )
    for column in columns or ():
        if column not in types:
            has = ", ".join(types)[:500]
            raise InvalidArgument(f"{one.name} has no column {column!r}; it has {has}")
    if columns is not None:
        types = {column: types[column] for column in columns}
    sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    firsts = np.cumsum([0, *sizes])
    groups = [(int(firsts[n]), n) for n, size in enumerate(sizes) if size]
    return _Footer(one.name, types, int(firsts[-1]), np.array(groups, np.int64).reshape(-1, 2))


def _refuse_other_columns(first: _Footer, other: _Footer) -> None:
    for column in first.columns | other.columns:
        known, found = first.columns.get(column), other.columns.get(column)
        if known != found:
            raise InvalidArgument(
                f"column {column!r} is {found or 'not there'} in {other.name}, and "
                f"{known or 'not there'} in {first.name}: leave one of the two out, or name the "
                "columns that are alike with columns="
            )
