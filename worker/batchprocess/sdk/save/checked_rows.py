"""Rows of one call of `context.save`, as their format takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from batchprocess.protocol.file_names import check_name
from batchprocess.protocol.tables.table_schema import has_schema
from batchprocess.sdk.save.column_types import (
    LIST,
    ColumnType,
    column_type_of,
    in_file,
    suffix_of,
    type_of_ids,
)
from batchprocess.sdk.save.formats.table_types import TableTypes
from batchprocess.sdk.save.formats.tensor_types import TensorType
from batchprocess.sdk.save.formats.writers import LISTS, TENSORS_ONLY
from batchprocess.sdk.save.given_schema import as_given, given_types, ids_as_given, require_columns
from batchprocess.sdk.save.id_types import IntegerIds, integer_ids
from batchprocess.sdk.save.other_libraries import as_column
from batchprocess.sdk.save.plain_values import plain
from batchprocess.sdk.save.snapshots import size_of
from batchprocess.sdk.save.table_schemas import types_of


@dataclass(frozen=True)
class CheckedRows:
    """Columns and ids, copied if they were lists.

    `types` are what the rows have in common with those of the same file; `table` what all files of
    this name have, None of a `.jsonl`.
    """

    name: str
    columns: Mapping[str, Any]
    ids: Any
    types: dict[str, ColumnType]
    table: TableTypes | None

    @property
    def nbytes(self) -> int:
        """Of the columns and ids; of texts, about."""
        return sum(size_of(column) for column in (self.ids, *self.columns.values()))

    def without_columns(self) -> "CheckedRows":
        """What is known of them, for whoever has copies of the columns.

        Types that are arrays themselves are for files without a schema of the run.
        """
        return replace(self, columns={}, ids=())


def checked_rows(
    name: str, columns: Mapping[str, Any], ids: Any, schema: Any = None, *, own_dtypes: bool = False
) -> CheckedRows:
    """The rows; ValueError or TypeError says what can't be kept, or is not of `schema`.

    `own_dtypes`: numbers in lists of tensors and arrays keep theirs, and do not get 64 bits.
    """
    suffix = suffix_of(name)
    if not columns or (suffix == ".npy" and len(columns) > 1):
        raise ValueError(f"{name!r} got {len(columns)} columns: one array makes a .npy file")
    with in_file(name):
        if has_schema(name):
            # That of files beside it, while it is made, and of its schema's key, too.
            check_name(f"{name}.statistics")
        given = {} if schema is None else given_types(suffix, schema)
        require_columns(given, columns)
        ids, integers = integer_ids(as_column("", "id", ids))
        _check_texts(suffix, ids)
    types: dict[str, ColumnType] = {"id": integers or type_of_ids(name, ids)}
    if "id" in given:
        with in_file(name):
            ids, integers = ids_as_given(ids, integers, types["id"], given["id"]), None
        types["id"] = type_of_ids(name, ids)
    own, made = own_dtypes and suffix == ".parquet", {}
    for key, column in columns.items():
        _check_key(name, suffix, key)
        found = column_type_of(name, key, column)
        _check_length(name, key, column, ids)
        if suffix in TENSORS_ONLY and found == LIST:
            raise TypeError(
                f"{name!r}: column {key!r} must be a tensor or an array of numbers; torch.stack "
                "makes one of a list of tensors"
            )
        with in_file(name):
            as_list = found == LIST
            plain_column = LISTS[suffix](key, plain(column, own_dtypes=own)) if as_list else column
            is_given = key in given
            made[key] = as_given(key, plain_column, found, given[key]) if is_given else plain_column
        types[key] = made[key] if hasattr(made[key], "joined") else found
    return CheckedRows(name, made, ids, types, _table(name, types, given.get("id")))


def _table(name: str, types: Mapping[str, Any], id_type: Any) -> TableTypes | None:
    if not has_schema(name):
        return None
    found = types["id"]
    if isinstance(found, IntegerIds):
        ids: TensorType | None = TensorType(found.dtype)
    elif found == LIST or (not found and str(id_type) == "string"):
        ids = TensorType("string")
    elif found:
        ids = TensorType(*found)
    else:
        ids = None if id_type is None else TensorType(str(id_type))
    columns = {key: getattr(one, "array", one) for key, one in types.items() if key != "id"}
    return types_of(name, ids, columns)


def _check_length(name: str, key: str, column: Any, ids: Any) -> None:
    if len(column) != len(ids):
        raise ValueError(
            f"{name!r}: column {key!r} has {len(column)} rows, but there are {len(ids)} ids"
            f"{_if_turned(column, len(ids))}"
        )


def _if_turned(column: Any, rows: int) -> str:
    """What to do where the loader has made one tensor of each position of the items' lists."""
    if not isinstance(column, list | tuple) or not column:
        return ""
    if not all(isinstance(one, torch.Tensor) and one.shape[:1] == (rows,) for one in column):
        return ""
    return "; torch.stack(column, 1) makes rows of the loader's tensors, one a position"


def _check_key(name: str, suffix: str, key: Any) -> None:
    if not isinstance(key, str):
        raise TypeError(f"{name!r}: column {key!r} must have a text as its name: use str()")
    with in_file(name):
        key.encode()
    if key == "id":
        raise ValueError(f"{name!r}: column 'id' holds the ids; give them as ids=")
    if suffix == ".safetensors" and key == "__metadata__":
        raise ValueError(f"{name!r}: in this format no column can be called {key!r}: rename it")


def _check_texts(suffix: str, ids: Any) -> None:
    for one in ids if isinstance(ids, list | tuple) else ():
        if isinstance(one, str):
            one.encode()
            if suffix == ".npy" and one.endswith("\0"):
                raise ValueError(f"id {one!r} ends in a zero, which numpy cuts off: rename it")
