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
from batchprocess.sdk.save.formats.writers import LISTS, TENSORS_ONLY, WRITERS
from batchprocess.sdk.save.id_types import integer_ids
from batchprocess.sdk.save.other_libraries import as_column, as_columns
from batchprocess.sdk.save.plain_values import plain


class _OtherColumn(Protocol):
    """A Series, an array of Arrow; of columns also a DataFrame or a table."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Any: ...


Column = torch.Tensor | np.ndarray[Any, Any] | Sequence[Any] | _OtherColumn
_LIST: tuple[object, ...] = ("list",)
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
    suffix = _suffix(name)
    with in_file(name):
        found = as_columns(rows)
        columns = {Path(name).stem: rows} if found is None else found
        columns = {key: as_column(suffix, key, column) for key, column in columns.items()}
    for key, column in columns.items():
        column_type_of(name, key, column)
    return columns


def checked_rows(
    name: str, columns: Mapping[str, Any], ids: Any
) -> tuple[dict[str, Any], Any, dict[str, ColumnType]]:
    """Columns and ids as the format takes them, copied if they were lists, and their types.

    ValueError or TypeError says what can't be kept.
    """
    suffix = _suffix(name)
    if not columns or (suffix == ".npy" and len(columns) > 1):
        raise ValueError(f"{name!r} got {len(columns)} columns: one array makes a .npy file")
    with in_file(name):
        ids, integers = integer_ids(as_column("", "id", ids))
        _check_texts(suffix, ids)
    types: dict[str, ColumnType] = {"id": integers or _type_of_ids(name, ids)}
    made = {}
    for key, column in columns.items():
        _check_key(name, suffix, key)
        given = column_type_of(name, key, column)
        if len(column) != len(ids):
            raise ValueError(
                f"{name!r}: column {key!r} has {len(column)} rows, but there are {len(ids)} ids"
                f"{_if_turned(column, len(ids))}"
            )
        if suffix in TENSORS_ONLY and given == _LIST:
            raise TypeError(
                f"{name!r}: column {key!r} must be a tensor or an array of numbers; torch.stack "
                "makes one of a list of tensors"
            )
        with in_file(name):
            made[key] = LISTS[suffix](key, plain(column)) if given == _LIST else column
        types[key] = made[key] if hasattr(made[key], "joined") else given
    return made, ids, types


def _if_turned(column: Any, rows: int) -> str:
    """What to do where the loader has made one tensor of each position of the items' lists."""
    if not isinstance(column, list | tuple) or not column:
        return ""
    if not all(isinstance(one, torch.Tensor) and one.shape[:1] == (rows,) for one in column):
        return ""
    return "; torch.stack(column, 1) makes rows of the loader's tensors, one a position"


@contextlib.contextmanager
def in_file(name: str) -> Iterator[None]:
    """Errors of values begin with the file's name."""
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name!r}: {error}") from error


def _check_key(name: str, suffix: str, key: Any) -> None:
    if not isinstance(key, str):
        raise TypeError(f"{name!r}: column {key!r} must have a text as its name: use str()")
    with in_file(name):
        key.encode()
    if key == "id":
        raise ValueError(f"{name!r}: column 'id' holds the ids; give them as ids=")
    if suffix == ".safetensors" and key == "__metadata__":
        raise ValueError(f"{name!r}: in this format no column can be called {key!r}: rename it")


def column_type_of(name: str, key: str, column: Any) -> tuple[object, ...]:
    """What a column must have in common with the next one of its name."""
    if isinstance(column, torch.Tensor | np.ndarray):
        return _type_of_array(name, key, column)
    if isinstance(column, list | tuple | range):
        return _LIST
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
) -> tuple[object, ...]:
    if isinstance(column, torch.Tensor) and column.is_nested:
        raise TypeError(f"{name!r}: column {key!r} is a nested tensor; use its .unbind()")
    if column.ndim == 0:
        raise ValueError(
            f"{name!r}: column {key!r} is a single value: the first dimension must count the rows; "
            ".reshape(1) makes one row of it"
        )
    if isinstance(column, np.ndarray) and column.dtype.kind not in "biuf":
        return _LIST
    dtype = str(column.dtype).removeprefix("torch.")
    if dtype not in DTYPES:
        raise TypeError(f"{name!r}: column {key!r} is {dtype}; use one of {', '.join(DTYPES)}")
    if isinstance(column, torch.Tensor) and column.layout is not torch.strided:
        raise TypeError(f"{name!r}: column {key!r} is {column.layout}; use its .to_dense()")
    return (dtype, tuple(column.shape[1:]))


def _type_of_ids(name: str, ids: Any) -> tuple[object, ...]:
    """Nothing says what the ids of no rows are."""
    found = column_type_of(name, "id", ids)
    if not len(ids):
        return ()
    dtype, shape = found if found != _LIST else (None, ())
    whole = found == _LIST or "int" in str(dtype)
    if shape or not whole or (found == _LIST and not all(isinstance(one, str) for one in ids)):
        raise TypeError(f"{name!r}: ids= must be one integer or text a row, all of one sort")
    return found


def _check_texts(suffix: str, ids: Any) -> None:
    for one in ids if isinstance(ids, list | tuple) else ():
        if isinstance(one, str):
            one.encode()
            if suffix == ".npy" and one.endswith("\0"):
                raise ValueError(f"id {one!r} ends in a zero, which numpy cuts off: rename it")


def _what(given: Any) -> str:
    return f"a {type(given).__qualname__}"


@cache
def _has_pyarrow() -> bool:
    return find_spec("pyarrow") is not None
