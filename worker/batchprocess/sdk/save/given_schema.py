"""`schema=` of `context.save`: columns as the types that the user has asked for."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from batchprocess.sdk.save.column_values import DTYPES
from batchprocess.sdk.save.formats.writers import TENSORS_ONLY
from batchprocess.sdk.save.id_types import IntegerIds

Schema = Mapping[str, Any]
"""From columns to types: a name of Arrow or torch ("float32"), or a type of Arrow."""


def given_types(suffix: str, schema: Any) -> dict[str, Any]:
    """Names of columns and their types; TypeError or ValueError if it is no schema."""
    if suffix == ".jsonl":
        raise TypeError("a .jsonl has no schema, for a line is what it is: leave schema= out")
    if not isinstance(schema, Mapping):
        names, types = getattr(schema, "names", None), getattr(schema, "types", None)
        if not names or not types:
            raise TypeError(
                f"schema= must be a dict from columns to types, or a schema of pyarrow, not "
                f"{schema!r:.100}"
            )
        schema = dict(zip(names, types, strict=True))
    return {key: _type(suffix, key, kind) for key, kind in schema.items()}


def _type(suffix: str, key: Any, kind: Any) -> Any:
    """For tensors a dtype's name, for Parquet that or a type of Arrow."""
    if suffix in TENSORS_ONLY:
        name = str(kind).removeprefix("torch.")
        name = {"float": "float32", "double": "float64", "halffloat": "float16"}.get(name, name)
        if name in DTYPES or (key == "id" and name == "string"):
            return name
        raise ValueError(f"schema= has {kind!r} for column {key!r}: use one of {', '.join(DTYPES)}")
    import pyarrow as pa

    if isinstance(kind, pa.DataType):
        return kind
    name = str(kind).removeprefix("torch.")
    try:
        return pa.float32() if name == "bfloat16" else pa.type_for_alias(name)
    except ValueError:
        raise ValueError(
            f"schema= has {kind!r} for column {key!r}: use a name like 'float32', 'int64', "
            "'string' or 'timestamp[us]', or a type of pyarrow, as pa.list_(pa.float32())"
        ) from None


def require_columns(given: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
    """Raise ValueError if the schema has columns that the rows have not."""
    if more := [key for key in given if key != "id" and key not in columns]:
        raise ValueError(
            f"schema= has column {more[0]!r}, and the rows have not: give it, a list of None where "
            "there is no value"
        )


def as_given(key: str, column: Any, found: Any, kind: Any) -> Any:
    """The column as its type, exactly. `found`: (dtype, shape) of a tensor or an array.

    TypeError names both types, and of lists a value that is not held.
    """
    if isinstance(column, torch.Tensor | np.ndarray):
        _require_type_of_tensor(key, found, kind)
        return column
    from batchprocess.sdk.save.formats.arrow_column import ArrowColumn
    from batchprocess.sdk.save.formats.arrow_exact import exactly

    return ArrowColumn(key, exactly((key,), column.array, kind))


def ids_as_given(ids: Any, integers: IntegerIds | None, found: Any, kind: Any) -> Any:
    """As `as_given`, of ids: integers of Python are of any 64 bits that hold them."""
    if not len(ids):
        return torch.empty(0, dtype=getattr(torch, str(kind))) if "int" in str(kind) else []
    wanted = (str(kind), ())
    if integers is not None and integers.fit_into(wanted):
        dtype = torch.uint64 if str(kind) == "uint64" else torch.int64
        return ids.view(dtype)
    if (found == ("list",) and str(kind) == "string") or found == wanted:
        return ids
    what = "texts" if found == ("list",) else integers or found[0]
    raise TypeError(f"ids= are {what}, and schema= has {kind} for column 'id': convert them")


def _require_type_of_tensor(key: str, found: tuple[Any, ...], kind: Any) -> None:
    """A type of single values is that of the numbers, whatever the shape of a row."""
    dtype, shape = found
    if isinstance(kind, str):
        if dtype != kind:
            raise TypeError(_other(key, dtype, kind))
        return
    from batchprocess.sdk.save.formats.arrow_schema import type_of_tensor

    if kind not in (type_of_tensor(dtype, ()), type_of_tensor(dtype, shape)):
        raise TypeError(_other(key, str(type_of_tensor(dtype, shape)), kind))


def _other(key: str, new: str, kind: Any) -> str:
    return (
        f"column {key!r} is {new}, and schema= has {kind}: convert it before (tensor.to(...), "
        "array.astype(...)), or give the schema its type"
    )
