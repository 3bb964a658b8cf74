"""Columns of Arrow as a wider type, exactly.

Arrow's own cast of nested types loses the length of lists of nulls (seen in pyarrow 26), and drops
what a struct has not; here structs and lists are taken apart, and Arrow casts numbers, checked.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def widened_table(table: Any, schema: Any) -> Any:
    """The table with the schema's types, which are as `arrow_types.wider` makes them."""
    columns = [
        pa.chunked_array([widened(one, field.type) for one in table[field.name].chunks], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def widened(array: Any, kind: Any) -> Any:
    """The array as this type; ArrowInvalid, a ValueError, if that would change a value."""
    if array.type == kind:
        return array
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), kind)
    if pa.types.is_struct(kind):
        return _widened_struct(array, kind)
    if pa.types.is_list(kind):
        # Copies without an offset: with one, no mask is taken.
        offsets = pa.array(array.offsets.to_numpy())
        items = widened(array.values, kind.value_type)
        return pa.ListArray.from_arrays(offsets, items, kind, mask=_mask(array))
    return array.cast(kind)


def _widened_struct(array: Any, kind: Any) -> Any:
    known = {field.name: number for number, field in enumerate(array.type)}
    columns = [
        widened(pc.struct_field(array, [known[field.name]]), field.type)
        if field.name in known
        else pa.nulls(len(array), field.type)
        for field in kind
    ]
    return pa.StructArray.from_arrays(columns, fields=list(kind), mask=_mask(array))


def _mask(array: Any) -> Any:
    return array.is_null() if array.null_count else None
