"""Columns of Arrow as tensors, where they hold numbers and nothing is missing."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    import pyarrow


def arrow_column(column: "pyarrow.ChunkedArray") -> Any:
    """A tensor of the column's own type, else a list of Python's values, None for null.

    Rows that are lists of numbers, all of one length and without a null, are a tensor of two (or
    more) dimensions. The tensor has memory of its own.
    """
    import pyarrow as pa

    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    flat, shape = array, [len(array)]
    while _is_list(pa, flat.type) and not flat.null_count and len(flat):
        length = _length(pa, flat)
        if not length:
            break
        shape.append(length)
        flat = flat.flatten()
    if flat.null_count or not _is_number(pa, flat.type):
        return column.to_pylist()
    numbers = np.array(flat.to_numpy(zero_copy_only=False))
    return torch.from_numpy(numbers.reshape(shape))


def is_exact_in_python(kind: Any) -> bool:
    """Whether values of this type are Python's that nobody can change, of which `arrow_of` makes
    the same array again."""
    import pyarrow as pa

    types = pa.types
    number = types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind)
    text = types.is_string(kind) or types.is_large_string(kind)
    data = types.is_binary(kind) or types.is_large_binary(kind)
    return bool(number or types.is_boolean(kind) or text or data)


def arrow_of(values: Any, kind: Any) -> Any:
    """The array of Arrow, of this type, of which `arrow_column` has made a list or an array."""
    import pyarrow as pa

    if isinstance(values, list):
        return pa.array(values, kind)
    kinds = [kind]
    while _is_list(pa, kinds[-1]):
        kinds.append(kinds[-1].value_type)
    made, shape = pa.array(values.reshape(-1)), values.shape
    for depth in reversed(range(len(kinds) - 1)):
        lists = int(np.prod(shape[: depth + 1]))
        made = _lists_of(pa, made, lists, int(shape[depth + 1]), kinds[depth])
    return made


def _lists_of(pa: Any, items: Any, lists: int, length: int, kind: Any) -> Any:
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(items, type=kind)
    large = pa.types.is_large_list(kind)
    offsets = np.arange(lists + 1, dtype=np.int64 if large else np.int32) * length
    whole = pa.LargeListArray if large else pa.ListArray
    return whole.from_arrays(pa.array(offsets), items, type=kind)


def _is_list(pa: Any, kind: Any) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _length(pa: Any, lists: Any) -> int | None:
    """Of every list, or None."""
    if pa.types.is_fixed_size_list(lists.type):
        return int(lists.type.list_size)
    import pyarrow.compute as pc

    lengths = pc.list_value_length(lists)
    least, most = pc.min_max(lengths).as_py().values()
    return int(least) if least == most else None


def _is_number(pa: Any, kind: Any) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))
