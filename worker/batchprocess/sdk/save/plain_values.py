"""Values in lists of `context.save` as plain Python ones, copied, whatever library made them."""

import datetime
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from batchprocess.sdk.save.column_values import numpy_of

MAX_DEPTH = 200
"""Lists and dicts in each other: of deeper ones few programs could read the file again."""
_FIXED = frozenset({str, int, float, bool, bytes, type(None)})
"""What nobody can change is not copied."""
_WIDER = {
    "bool": "bool",
    **dict.fromkeys(("int64", "int32", "int16", "int8", "uint32", "uint16", "uint8"), "int64"),
    "uint64": "uint64",
    **dict.fromkeys(("float64", "float32", "float16"), "float64"),
}


def plain(values: Iterable[Any], depth: int = 0, *, own_dtypes: bool = False) -> list[Any]:
    """Lists, dicts, numbers, texts, bytes, times and None; what is no value stays as it is.

    Nobody else holds the lists and dicts among them. Arrays of numbers stay arrays, of 64 bits, or
    of their own dtypes, as single values of tensors then do; times of numpy stay, for their units.
    """
    listed = list(values)
    if depth > MAX_DEPTH:
        raise ValueError(f"values are nested more than {MAX_DEPTH} deep")
    if set(map(type, listed)) <= _FIXED:
        return listed
    return [one if type(one) in _FIXED else _plain(one, depth + 1, own_dtypes) for one in listed]


def _plain(value: Any, depth: int, own_dtypes: bool) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _of_numpy(value, depth, own_dtypes)
    if isinstance(value, torch.Tensor):
        return _of_tensor(value, own_dtypes)
    if isinstance(value, Mapping):
        values = plain(value.values(), depth, own_dtypes=own_dtypes)
        return dict(zip(value.keys(), values, strict=True))
    if isinstance(value, list | tuple | range | deque):
        return plain(value, depth, own_dtypes=own_dtypes)
    return None if is_missing(value) else _base(value)


def is_missing(value: Any) -> bool:
    """Whether it is what pandas or numpy have where a value is missing."""
    if value is np.ma.masked:
        return True
    return _is_of_pandas(value) and type(value).__name__ in {"NAType", "NaTType"}


def _is_of_pandas(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas"


def _base(value: Any) -> Any:
    """Members of enums and the like as the value that they are."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return _of_pandas(value) if _is_of_pandas(value) else value


def _of_numpy(value: Any, depth: int, own_dtypes: bool) -> Any:
    if value is np.ma.masked:
        return None
    if value.dtype.names is not None:
        raise TypeError(f"an array with named fields {value.dtype.names}: give a dict of columns")
    if value.ndim == 0:
        return _of_scalar(value[()] if isinstance(value, np.ndarray) else value)
    if value.dtype.kind in "mMO":
        # Not tolist(), which makes plain numbers of nanoseconds.
        return plain(list(value), depth, own_dtypes=own_dtypes)
    if isinstance(value, np.ma.MaskedArray) or str(value.dtype) not in _WIDER:
        return value.tolist()
    return np.array(value, None if own_dtypes else _WIDER[str(value.dtype)])


def _of_tensor(value: torch.Tensor, own_dtypes: bool) -> Any:
    there = value.detach()
    known = str(there.dtype).removeprefix("torch.") in {*_WIDER, "bfloat16"}
    if not known or not (there.ndim or own_dtypes):
        return there.tolist()
    array = numpy_of(there.to("cpu").to_dense().resolve_neg())
    return _of_numpy(array, 0, own_dtypes) if array.ndim else array[()]


def _of_scalar(value: Any) -> Any:
    if isinstance(value, np.datetime64 | np.timedelta64):
        return None if np.isnat(value) else _date_or_time(value)
    return value.item() if isinstance(value, np.generic) else value


def _date_or_time(value: Any) -> Any:
    """A day as Python's date, which Arrow makes no other of; years it has not stay numpy's."""
    date = value.item() if np.datetime_data(value) == ("D", 1) else None
    return date if isinstance(date, datetime.date) else value


def _of_pandas(value: Any) -> Any:
    """A Timestamp or Timedelta; Python's know no nanoseconds."""
    kind = type(value).__name__
    if kind == "Timedelta":
        return value.to_timedelta64() if value.nanoseconds else value.to_pytimedelta()
    if kind != "Timestamp":
        return value
    if not value.nanosecond:
        return value.to_pydatetime()
    if value.tzinfo is None:
        return value.to_datetime64()
    raise ValueError(
        f"{value!r} has nanoseconds and a time zone, which no value of Python has: use "
        ".tz_convert(None), or, for a .parquet file, give the column as a Series or an array"
    )
