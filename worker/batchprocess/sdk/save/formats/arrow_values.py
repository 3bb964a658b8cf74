"""Plain Python values as arrays of Arrow, each exactly."""

import datetime
import decimal
import uuid
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np
import pyarrow as pa

from batchprocess.sdk.save.column_values import shown
from batchprocess.sdk.save.formats.arrow_types import Place, as_text

_TYPES: Mapping[type, Callable[[Any], Any]] = {
    bool: lambda _first: pa.bool_(),
    float: lambda _first: pa.float64(),
    str: lambda _first: pa.string(),
    bytes: lambda _first: pa.binary(),
    decimal.Decimal: lambda _first: None,
    datetime.date: lambda _first: pa.date32(),
    datetime.datetime: lambda first: pa.timestamp("us", tz=_zone(first)),
    datetime.time: lambda _first: pa.time64("us"),
    datetime.timedelta: lambda _first: pa.duration("us"),
    uuid.UUID: lambda _first: None,
    np.datetime64: lambda first: _time_of_numpy(first, pa.timestamp),
    np.timedelta64: lambda first: _time_of_numpy(first, pa.duration),
}
"""By the type of the values, from the first of them; None where Arrow looks at all of them."""
_WITH_ZONE = (datetime.datetime, datetime.time)
_WITH_UNIT = frozenset((np.datetime64, np.timedelta64))

_OF_TENSORS = frozenset(np.dtype(f"{kind}{size}").type for kind in "iuf" for size in (2, 4, 8)) | {
    *(np.int8, np.uint8, np.bool_),
}
"""Single numbers of tensors; those of numpy have become Python's."""


def array_of(place: Place, values: Sequence[Any]) -> Any:
    """Values as `plain_values.plain` gives them; TypeError or ValueError names place and value."""
    found = [one for one in values if one is not None]
    if not found:
        return pa.nulls(len(values))
    kinds = set(map(type, found))
    if kinds & _OF_TENSORS:
        return _of_scalars(place, values, found)
    if kinds <= {list, np.ndarray}:
        return _lists(place, values, found)
    if kinds == {dict}:
        return _dicts(place, values, found)
    if kinds == {int}:
        return _integers(place, values, found)
    if kinds == {int, float}:
        return _made(place, values, 0.0)
    _check_alike(place, found)
    return _made(place, values, found[0])


def _of_scalars(place: Place, values: Sequence[Any], found: Sequence[Any]) -> Any:
    """Single numbers of tensors, in their own type if all are of one, else as Python's."""
    (kind, *others) = set(map(type, found))
    if others:
        return array_of(
            place, [one.item() if isinstance(one, np.generic) else one for one in values]
        )
    numbers: np.ndarray[Any, Any] = np.array(
        [kind(0) if one is None else one for one in values], kind
    )
    return pa.array(
        numbers, mask=None if (mask := _mask(values, found)) is None else np.array(mask)
    )


def _lists(place: Place, values: Sequence[Any], found: Sequence[Any]) -> Any:
    ends = accumulate((0 if one is None else len(one) for one in values), initial=0)
    offsets, items = pa.array(list(ends), pa.int32()), _items((*place, "[]"), found)
    return pa.ListArray.from_arrays(offsets, items, mask=_mask(values, found))


def _items(place: Place, lists: Sequence[Any]) -> Any:
    """Of all of them, one behind the other; of arrays without a Python object for each."""
    first = lists[0]
    if all(isinstance(one, np.ndarray) and one.dtype == first.dtype for one in lists):
        if all(one.ndim == 1 for one in lists):
            return pa.array(np.concatenate(lists))
        return array_of(place, list(chain.from_iterable(lists)))
    as_lists = (one.tolist() if isinstance(one, np.ndarray) else one for one in lists)
    return array_of(place, list(chain.from_iterable(as_lists)))


def _dicts(place: Place, values: Sequence[Any], found: Sequence[Any]) -> Any:
    names = list(dict.fromkeys(chain.from_iterable(found)))
    if not names:
        return pa.array(values, pa.struct([]))
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"column {as_text(place)} has a dict with key {name!r}: use str(key)")
    columns = [
        array_of((*place, name), [None if one is None else one.get(name) for one in values])
        for name in names
    ]
    return pa.StructArray.from_arrays(columns, names, mask=_mask(values, found))


def _mask(values: Sequence[Any], found: Sequence[Any]) -> Any:
    if len(found) == len(values):
        return None
    return pa.array([one is None for one in values])


def _integers(place: Place, values: Sequence[Any], found: Sequence[int]) -> Any:
    low, high = min(found), max(found)
    if high < 1 << 63 and low >= -1 << 63:
        return pa.array(values, pa.int64())
    if low >= 0 and high < 1 << 64:
        return pa.array(values, pa.uint64())
    raise ValueError(
        f"column {as_text(place)} has integers from {_short(low)} to {_short(high)}, and 64 bits "
        "hold those from -2**63 to 2**63 - 1, or from 0 to 2**64 - 1: use str()"
    )


def _check_alike(place: Place, found: Sequence[Any]) -> None:
    """One type, and of times one zone: Arrow would make all of them those of the first."""
    first = found[0]
    zoned = type(first) is datetime.time and first.tzinfo is not None
    if zoned or type(first) not in {*_TYPES, int, list, dict, np.ndarray}:
        raise TypeError(
            f"column {as_text(place)} has {_shown(first)}: use numbers, texts, bytes, times "
            "without a zone, datetimes, or lists and dicts of them"
        )
    if isinstance(first, (*_WITH_ZONE, *_WITH_UNIT)):
        other = next((one for one in found if _sort(one) != _sort(first)), None)
    else:
        other = next((one for one in found if type(one) is not type(first)), None)
    if other is not None:
        raise TypeError(
            f"column {as_text(place)} has {_shown(other)} where {_shown(first)} is: give every "
            "row one type, or save it as .jsonl"
        )


def _sort(value: Any) -> tuple[Any, ...]:
    if type(value) in _WITH_UNIT:
        return type(value), np.datetime_data(value)
    return type(value), str(getattr(value, "tzinfo", None))


def _zone(first: datetime.datetime) -> str | None:
    return None if first.tzinfo is None else str(pa.lib.tzinfo_to_string(first.tzinfo))


def _require_year_in_utc(place: Place, found: Sequence[datetime.datetime]) -> None:
    """A file holds the time in UTC: of one before the year 1 or after 9999 Python reads nothing."""
    for one in (min(found), max(found)):
        try:
            one.astimezone(datetime.UTC)
        except OverflowError:
            raise ValueError(
                f"column {as_text(place)} has {_shown(one)}, which in UTC, as files hold it, is "
                "not in the years 1 to 9999: use a time in them, or str()"
            ) from None


def _time_of_numpy(first: Any, kind: Callable[[str], Any]) -> Any:
    unit, steps = np.datetime_data(first)
    if steps != 1 or unit not in {"s", "ms", "us", "ns"}:
        raise ValueError(
            f"{first.dtype} is no unit of Parquet: use .astype('{first.dtype.kind}8[s]')"
        )
    return kind(unit)


def _made(place: Place, values: Sequence[Any], first: Any) -> Any:
    if isinstance(first, datetime.datetime) and first.tzinfo is not None:
        _require_year_in_utc(place, [one for one in values if one is not None])
    try:
        return pa.array(values, _TYPES[type(first)](first))
    except (ValueError, TypeError, OverflowError, NotImplementedError) as error:
        raise ValueError(f"column {as_text(place)}: {error}") from error


def _shown(value: Any) -> str:
    return f"{shown(value)} ({type(value).__qualname__})"


def _short(number: int) -> str:
    return str(number) if number.bit_length() <= 256 else f"one of {number.bit_length()} bits"
