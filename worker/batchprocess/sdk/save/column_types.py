"""Which rows one file of `context.save` can hold: checked in the call, by one sentence each."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from batchprocess.protocol.file_names import check_name
from batchprocess.sdk.save.column_values import DTYPES
from batchprocess.sdk.save.formats.writers import WRITERS
from batchprocess.sdk.save.other_libraries import as_column, as_columns


class _OtherColumn(Protocol):
    """A Series, an array of Arrow; of columns also a DataFrame or a table."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Any: ...


Column = torch.Tensor | np.ndarray[Any, Any] | Sequence[Any] | _OtherColumn
LIST: tuple[object, ...] = ("list",)
_ARROW: tuple[object, ...] = ("of Arrow",)


class JoinedType(Protocol):
    """The type of a column whose batches need not be equal: what there is so far says which may."""

    def joined(self, known: Any) -> Any:
        """The type of what is known (None: nothing) and of this one; TypeError if none has both."""


ColumnType = tuple[object, ...] | JoinedType
"""A tuple is equal in all batches."""


def columns_of(name: Any, rows: Any) -> Mapping[str, Column]:
    """Columns by name, checked; ValueError or TypeError if one can't be kept."""
    if not isinstance(name, str):
        raise TypeError(f"the name comes first, then the rows: the name is {_what(name)}")
    suffix = suffix_of(name)
    with in_file(name):
        found = as_columns(rows)
        columns = {Path(name).stem: rows} if found is None else found
        # A column of that name holds the ids, unless they are given.
        columns = {
            key: as_column("" if key == "id" else suffix, key, column)
            for key, column in columns.items()
        }
    for key, column in columns.items():
        column_type_of(name, key, column)
    return columns


@contextlib.contextmanager
def in_file(name: str) -> Iterator[None]:
    """Errors of values begin with the file's name."""
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name!r}: {error}") from error


def column_type_of(name: str, key: str, column: Any) -> tuple[object, ...]:
    """What a column must have in common with the next one of its name."""
    if isinstance(column, torch.Tensor | np.ndarray):
        return _type_of_array(name, key, column)
    if isinstance(column, list | tuple | range):
        return LIST
    if hasattr(column, "joined"):
        return _ARROW
    raise TypeError(
        f"{name!r}: column {key!r} is {_what(column)}; use a tensor, an array of numpy or Arrow, a "
        "Series, or a list with one value a row"
    )


def types_as_text(types: Mapping[str, ColumnType]) -> str:
    """For people."""
    return ", ".join(
        f"{key} {' '.join(map(str, one)) if isinstance(one, tuple) else one}"
        for key, one in types.items()
    )


def suffix_of(name: str) -> str:
    """The format; ValueError if it is none, ModuleNotFoundError if it needs pyarrow."""
    check_name(name)
    suffix = Path(name).suffix
    if suffix not in WRITERS:
        raise ValueError(f"{name!r} must end in one of {', '.join(WRITERS)}: that is the format")
    if suffix == ".parquet" and not _has_pyarrow():
        raise ModuleNotFoundError(f"{name!r} needs pyarrow: pip install pyarrow")
    return suffix


def _type_of_array(
    name: str, key: str, column: "torch.Tensor | np.ndarray[Any, Any]"
) -> tuple[object, ...]:
    if isinstance(column, torch.Tensor) and column.is_nested:
        raise TypeError(f"{name!r}: column {key!r} is a nested tensor; use its .unbind()")
    if column.ndim == 0:
        raise ValueError(
            f"{name!r}: column {key!r} is a single value: the first dimension must count the rows; "
            ".reshape(1) makes one row of it"
        )
    if isinstance(column, np.ndarray) and column.dtype.kind not in "biuf":
        return LIST
    dtype = str(column.dtype).removeprefix("torch.")
    if dtype not in DTYPES:
        raise TypeError(f"{name!r}: column {key!r} is {dtype}; use one of {', '.join(DTYPES)}")
    if isinstance(column, torch.Tensor) and column.layout is not torch.strided:
        raise TypeError(f"{name!r}: column {key!r} is {column.layout}; use its .to_dense()")
    return (dtype, tuple(column.shape[1:]))


def type_of_ids(name: str, ids: Any) -> tuple[object, ...]:
    """Nothing says what the ids of no rows are."""
    found = column_type_of(name, "id", ids)
    if not len(ids):
        return ()
    dtype, shape = found if found != LIST else (None, ())
    whole = found == LIST or "int" in str(dtype)
    if shape or not whole or (found == LIST and not all(isinstance(one, str) for one in ids)):
        raise TypeError(f"{name!r}: ids= must be one integer or text a row, all of one sort")
    return found


def _what(given: Any) -> str:
    return f"a {type(given).__qualname__}"


@cache
def _has_pyarrow() -> bool:
    return find_spec("pyarrow") is not None
