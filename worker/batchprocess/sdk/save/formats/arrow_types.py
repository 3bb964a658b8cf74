"""Which values of one column a file of Parquet holds together: two types only if one has both.

A place in a column is written as a tuple: its name, then keys of dicts, and `[]` for items of
lists. Only integers need their values looked at: `Bounds` are the least and the largest so far.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Place = tuple[str, ...]
Bounds = Mapping[Place, tuple[int, int]]
MAX_LEVELS = 90
"""Of a Parquet schema, where a list counts two: readers refuse more than 100."""
_EXACT_IN_FLOAT = 1 << 53


class NoCommonType(TypeError):
    """What stands at one place of a column has no type that holds all of it exactly."""

    def __init__(self, place: Place, known: Any, new: Any) -> None:
        super().__init__(f"column {as_text(place)} has {new} now and {known} before")
        self.place, self.known, self.new = place, known, new


def wider(place: Place, known: Any, new: Any, bounds: Bounds) -> Any:
    """The type that holds exactly what is of either; raises NoCommonType."""
    if known == new or pa.types.is_null(new):
        return known
    if pa.types.is_null(known):
        return new
    if pa.types.is_struct(known) and pa.types.is_struct(new):
        return _wider_struct(place, known, new, bounds)
    if pa.types.is_list(known) and pa.types.is_list(new):
        return pa.list_(wider((*place, "[]"), known.value_type, new.value_type, bounds))
    if pa.types.is_decimal(known) and pa.types.is_decimal(new):
        return _wider_decimal(place, known, new)
    return _wider_number(place, known, new, bounds)


def bounds_of(place: Place, array: Any) -> Iterator[tuple[Place, tuple[int, int]]]:
    """Of the integers at every place in an array; those of Arrow's shorter types are not asked."""
    kind = array.type
    if pa.types.is_int64(kind) or pa.types.is_uint64(kind):
        found = pc.min_max(array).as_py()
        if found["min"] is not None:
            yield place, (found["min"], found["max"])
    elif pa.types.is_list(kind):
        yield from bounds_of((*place, "[]"), pc.list_flatten(array))
    elif pa.types.is_struct(kind):
        for number, field in enumerate(kind):
            yield from bounds_of((*place, field.name), pc.struct_field(array, [number]))


def levels_of(kind: Any) -> int:
    """How deep the schema of Parquet for this type is."""
    if pa.types.is_struct(kind):
        return 1 + max((levels_of(field.type) for field in kind), default=0)
    if pa.types.is_nested(kind) and kind.num_fields:
        return 2 + max(levels_of(kind.field(number).type) for number in range(kind.num_fields))
    return 1


def example_at(place: Place, array: Any) -> str:
    """The first value that is not null at a place in the array, as text; "None" without one."""
    for step in place[1:]:
        nested = pa.types.is_list(array.type)
        array = pc.list_flatten(array) if nested else pc.struct_field(array, step)
    return next((_shown(one) for one in array if one.is_valid), "None")


def _shown(value: Any) -> str:
    try:
        return str(value)
    except (ValueError, OverflowError):  # no value of Python's, as nanoseconds without pandas
        nested = pa.types.is_nested(value.type)
        return f"one of {value.type}" if nested else str(value.cast(pa.string()))


def place_without_keys(place: Place, kind: Any) -> Place | None:
    """Where a type has dicts of which none has had a key so far."""
    if pa.types.is_list(kind):
        return place_without_keys((*place, "[]"), kind.value_type)
    if not pa.types.is_struct(kind):
        return None
    if not kind.num_fields:
        return place
    found = (place_without_keys((*place, field.name), field.type) for field in kind)
    return next((one for one in found if one is not None), None)


def as_text(place: Place) -> str:
    """For people."""
    return repr("".join(step if step == "[]" else f".{step}" for step in place)[1:])


def _wider_struct(place: Place, known: Any, new: Any, bounds: Bounds) -> Any:
    types = {field.name: field.type for field in known}
    for field in new:
        before = types.get(field.name, pa.null())
        types[field.name] = wider((*place, field.name), before, field.type, bounds)
    return pa.struct(list(types.items()))


def _wider_decimal(place: Place, known: Any, new: Any) -> Any:
    scale = max(known.scale, new.scale)
    digits = scale + max(known.precision - known.scale, new.precision - new.scale)
    if digits > 76:
        raise NoCommonType(place, known, new)
    return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)


def _wider_number(place: Place, known: Any, new: Any, bounds: Bounds) -> Any:
    low, high = bounds.get(place, (0, 0))
    both = {known, new}
    if both == {pa.int64(), pa.uint64()} and low >= 0:
        return pa.uint64()
    exact = max(-low, high) <= _EXACT_IN_FLOAT
    if pa.float64() in both and both <= {pa.float64(), pa.int64(), pa.uint64()} and exact:
        return pa.float64()
    raise NoCommonType(place, known, new)
