"""Which rows one file of `context.save` can hold: checked in the call, by one sentence each."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from batchprocess.protocol.file_names import check_name
from batchprocess.sdk.save.column_values import DTYPES
from batchprocess.sdk.save.writers import TENSORS_ONLY, WRITERS

Column = torch.Tensor | np.ndarray[Any, Any] | Sequence[Any]
ColumnType = tuple[object, ...]
_LIST: ColumnType = ("list",)


def columns_of(name: Any, rows: Any) -> Mapping[str, Column]:
    """Columns by name, checked; ValueError or TypeError if one can't be kept."""
    if not isinstance(name, str):
        raise TypeError(f"the name comes first, then the rows: the name is {_what(name)}")
    columns = rows if isinstance(rows, Mapping) else {Path(name).stem: rows}
    for key, column in columns.items():
        column_type_of(name, key, column)
    return columns


def column_types_of(name: str, columns: Mapping[str, Column], ids: Column) -> dict[str, ColumnType]:
    """What must be equal in all rows of one file; ValueError or TypeError if they can't be kept."""
    suffix = _suffix(name)
    if not columns or (suffix == ".npy" and len(columns) > 1):
        raise ValueError(f"{name!r} got {len(columns)} columns: one array makes a .npy file")
    if "id" in columns:
        raise ValueError(f"{name!r}: column 'id' holds the ids; give them as ids=")
    types = {"id": _type_of_ids(name, ids)}
    for key, column in columns.items():
        types[key] = column_type_of(name, key, column)
        if len(column) != len(ids):
            raise ValueError(
                f"{name!r}: column {key!r} has {len(column)} rows, but there are {len(ids)} ids"
            )
        if suffix in TENSORS_ONLY and types[key] == _LIST:
            raise TypeError(
                f"{name!r}: column {key!r} must be a tensor or an array of numbers; torch.stack "
                "makes one of a list of tensors"
            )
    return types


def column_type_of(name: str, key: str, column: Any) -> ColumnType:
    """What a column must have in common with the next one of its name."""
    if isinstance(column, torch.Tensor | np.ndarray):
        return _type_of_array(name, key, column)
    if isinstance(column, list | tuple | range):
        return _LIST
    raise TypeError(
        f"{name!r}: column {key!r} is {_what(column)}; use a tensor, a numpy array or a list with "
        "one value a row"
    )


def types_as_text(types: Mapping[str, ColumnType]) -> str:
    """For people."""
    return ", ".join(f"{key} {' '.join(map(str, parts))}" for key, parts in types.items())


def _suffix(name: str) -> str:
    check_name(name)
    suffix = Path(name).suffix
    if suffix not in WRITERS:
        raise ValueError(f"{name!r} must end in one of {', '.join(WRITERS)}: that is the format")
    if suffix == ".parquet" and not _has_pyarrow():
        raise ModuleNotFoundError(f"{name!r} needs pyarrow: pip install pyarrow")
    return suffix


def _type_of_array(
    name: str, key: str, column: "torch.Tensor | np.ndarray[Any, Any]"
) -> ColumnType:
    if column.ndim == 0:
        raise ValueError(f"{name!r}: column {key!r} must have one row first, not no dimension")
    if isinstance(column, np.ndarray) and column.dtype.kind not in "biuf":
        return _LIST
    dtype = str(column.dtype).removeprefix("torch.")
    if dtype not in DTYPES:
        raise TypeError(f"{name!r}: column {key!r} is {dtype}; use one of {', '.join(DTYPES)}")
    if isinstance(column, torch.Tensor) and column.layout is not torch.strided:
        raise TypeError(f"{name!r}: column {key!r} is {column.layout}; use its .to_dense()")
    return (dtype, tuple(column.shape[1:]))


def _type_of_ids(name: str, ids: Any) -> ColumnType:
    """Nothing says what the ids of no rows are."""
    found = column_type_of(name, "id", ids)
    if not len(ids):
        return ()
    dtype, shape = found if found != _LIST else (None, ())
    whole = found == _LIST or "int" in str(dtype)
    if shape or not whole or (found == _LIST and not all(isinstance(one, str) for one in ids)):
        raise TypeError(f"{name!r}: ids= must be one integer or text a row, all of one sort")
    return found


def _what(given: Any) -> str:
    return f"a {type(given).__qualname__}"


@cache
def _has_pyarrow() -> bool:
    return find_spec("pyarrow") is not None
