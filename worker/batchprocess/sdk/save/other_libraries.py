"""Columns of pandas and Arrow, and masked arrays, as `context.save` takes them.

Neither library is imported here unless the user has: what they make is known by its module.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from batchprocess.sdk.save.formats.writers import TENSORS_ONLY, arrow_column

_LOG = logging.getLogger("batchprocess")


def as_columns(rows: Any) -> Mapping[Any, Any] | None:
    """The columns of a DataFrame, a Table or a dict; None of anything else.

    ValueError if two of them have one name, as a join leaves them: one would be lost.
    """
    if isinstance(rows, Mapping):
        return rows
    rows = _in_arrow(rows)
    match _library(rows), type(rows).__name__:
        case "pandas", "DataFrame":
            names = _different(list(rows.columns))
            _note_index(rows.index)
            return {name: rows[name] for name in names}
        case "pyarrow", "Table" | "RecordBatch":
            return dict(zip(_different(rows.schema.names), rows.columns, strict=True))
    return None


def _note_index(index: Any) -> None:
    """Numbers without a name are what pandas has put there."""
    named = [repr(name) for name in index.names if name is not None]
    if named or index.dtype.kind not in "iu":
        _warn_of_index(", ".join(named) or f"of {index.dtype}")


@cache
def _warn_of_index(which: str) -> None:
    _LOG.warning(
        "a DataFrame is saved without its index (%s): .reset_index() makes columns of it", which
    )


def _different(names: list[Any]) -> list[Any]:
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(f"{times} columns are called {name!r}: rename all but one")
    return names


def as_column(suffix: str, key: str, column: Any) -> Any:
    """A column for a file of this format (no suffix: ids) as an array, a list, or one of Arrow.

    What is of no other library comes back as it is.
    """
    if isinstance(column, np.ma.MaskedArray):
        return _of_masked(suffix, key, column)
    if not hasattr(column, "__len__"):
        return column
    column = _in_arrow(column)
    match _library(column):
        case "pandas" if hasattr(column, "to_numpy"):
            return _of_pandas(suffix, key, column)
        case "pyarrow" if hasattr(column, "to_pylist"):
            return _of_arrow(suffix, key, column)
    return column


def _in_arrow(thing: Any) -> Any:
    """What can say itself as Arrow: Series and DataFrames of polars and cuDF."""
    return thing.to_arrow() if callable(getattr(type(thing), "to_arrow", None)) else thing


def _library(thing: Any) -> str:
    return type(thing).__module__.partition(".")[0]


def _of_masked(suffix: str, key: str, column: Any) -> Any:
    if suffix not in TENSORS_ONLY:
        return list(column)
    if np.ma.getmaskarray(column).any():
        raise TypeError(f"column {key!r} has masked values: use .filled(value)")
    return column.data


def _of_pandas(suffix: str, key: str, column: Any) -> Any:
    if type(column.dtype).__name__ == "SparseDtype":
        column = column.sparse.to_dense()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind != "O":
        return column.to_numpy()
    if suffix == ".parquet" and not isinstance(column.dtype, np.dtype):
        # Times with a zone and categories, which no array of numpy has.
        from pyarrow import array

        return _of_arrow(suffix, key, array(column, from_pandas=True))
    if suffix in TENSORS_ONLY and not column.isna().any():
        return column.to_numpy(dtype=getattr(column.dtype, "numpy_dtype", None))
    return [None if none else one for one, none in zip(column, column.isna(), strict=True)]


def _of_arrow(suffix: str, key: str, column: Any) -> Any:
    array = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    if hasattr(array, "dictionary_decode"):
        # The width of its indices grows with its values.
        array = array.dictionary_decode()
    if suffix == ".parquet":
        return arrow_column(key, array)
    if suffix == ".jsonl":
        return _listed(key, array)
    return _numbers_of(key, array)


def _listed(key: str, array: Any) -> list[Any]:
    try:
        listed: list[Any] = array.to_pylist()
    except (ValueError, OverflowError) as error:  # nanoseconds, say; with pandas it has some
        raise TypeError(
            f"column {key!r} is of Arrow's type {array.type}, and Python has no such value: "
            ".cast('string') makes texts of them, and a .parquet file keeps them"
        ) from error
    return listed


def _numbers_of(key: str, array: Any) -> Any:
    """As an array of numpy, or a list if there is none of numbers only."""
    from pyarrow import types

    items, shape = array, [len(array)]
    while types.is_fixed_size_list(items.type) and not items.null_count:
        shape.append(items.type.list_size)
        items = items.flatten()
    kind = items.type
    if items.null_count or not (types.is_primitive(kind) and not types.is_temporal(kind)):
        return _listed(key, array)
    return items.to_numpy(zero_copy_only=False).reshape(shape)
