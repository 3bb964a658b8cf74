"""Arrays of Arrow as the type that the user has asked for: every value exactly, or refused."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batchprocess.sdk.save.formats.arrow_types import Place, as_text, example_at

_FAMILIES = (
    lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind),
    lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind),
    pa.types.is_decimal,
    pa.types.is_date,
    pa.types.is_time,
    pa.types.is_duration,
)
"""Of types between which a cast can keep every value."""


def exactly(place: Place, array: Any, kind: Any) -> Any:
    """The array as this type; TypeError names place, value and both types if it cannot be."""
    if array.type == kind:
        return array
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), kind)
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        return _struct(place, array, kind)
    if _is_list(kind) and pa.types.is_list(array.type):
        return _lists(place, array, kind)
    if any(family(kind) and family(array.type) for family in _FAMILIES) or _is_time(array, kind):
        return _cast(place, array, kind)
    raise _refused(place, array, array, kind)


def _is_list(kind: Any) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_time(array: Any, kind: Any) -> bool:
    times = pa.types.is_timestamp(array.type) and pa.types.is_timestamp(kind)
    return bool(times and array.type.tz == kind.tz)


def _struct(place: Place, array: Any, kind: Any) -> Any:
    known = {field.name: number for number, field in enumerate(array.type)}
    if more := known.keys() - {field.name for field in kind}:
        raise TypeError(
            f"column {as_text((*place, min(more)))} is not in the schema, which has {kind} there: "
            "add it, or leave it out of the dicts"
        )
    columns = [
        exactly((*place, field.name), pc.struct_field(array, [known[field.name]]), field.type)
        if field.name in known
        else pa.nulls(len(array), field.type)
        for field in kind
    ]
    return pa.StructArray.from_arrays(columns, fields=list(kind), mask=_mask(array))


def _lists(place: Place, array: Any, kind: Any) -> Any:
    items = exactly((*place, "[]"), array.values, kind.value_type)
    # Copies without an offset: with one, no mask is taken.
    offsets = pa.array(array.offsets.to_numpy())
    made = pa.ListArray.from_arrays(offsets, items, mask=_mask(array))
    if pa.types.is_list(kind):
        return made.cast(kind)  # another name of the items
    try:
        return made.cast(kind)
    except ValueError as error:
        raise TypeError(
            f"column {as_text(place)} is to be {kind}, and not all its lists have that length: "
            f"{error}"
        ) from error


def _cast(place: Place, array: Any, kind: Any) -> Any:
    try:
        made = array.cast(kind)
        back = made.cast(array.type)
    except (ValueError, NotImplementedError):
        raise _refused(place, _first_lost(array, kind), array, kind) from None
    # Not equals(), for which NaN is another value than NaN.
    lost = pc.and_(pc.not_equal(back, array), pc.invert(_is_nan(array)))
    if pc.any(lost).as_py():
        raise _refused(place, array.filter(lost), array, kind)
    return made


def _is_nan(array: Any) -> Any:
    floating = pa.types.is_floating(array.type)
    return pc.is_nan(array) if floating else pa.array([False] * len(array))


def _first_lost(array: Any, kind: Any) -> Any:
    """From the first value on that has no place in the type, by halves: a cast says not which."""
    while len(array) > 1:
        half = len(array) // 2
        try:
            array.slice(0, half).cast(kind)
            array = array.slice(half)
        except (ValueError, NotImplementedError):
            array = array.slice(0, half)
    return array


def _mask(array: Any) -> Any:
    return array.is_null() if array.null_count else None


def _refused(place: Place, values: Any, array: Any, kind: Any) -> TypeError:
    return TypeError(
        f"column {as_text(place)} has {array.type}, a value is {example_at(place[:1], values)}, "
        f"which {kind} of the schema does not hold exactly: round or convert it, or give the "
        "schema a type that does"
    )
