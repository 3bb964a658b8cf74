"""Lists of `context.save`: copied in the call, and measured, down to what their items hold."""

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

_ITEM_BYTES = 64
_FIXED = (str, int, float, bool, bytes, type(None))
"""What nobody can change is not copied."""


def copied(values: Iterable[Any]) -> list[Any]:
    """The values as they are now, whatever becomes of the arrays, lists and dicts among them."""
    return [value if type(value) in _FIXED else _copy(value) for value in values]


def bytes_of(values: Iterable[Any]) -> int:
    """About how much memory they hold."""
    return sum(map(_bytes, values))


def as_numbers(ids: Any) -> Any:
    """Integers as a tensor, whichever way they were given."""
    if isinstance(ids, list | tuple | range) and all(map(_is_integer, ids)):
        return torch.tensor(ids, dtype=torch.int64)
    return ids


def _is_integer(one: Any) -> bool:
    return type(one) is int or isinstance(one, np.integer)


def _copy(value: Any) -> Any:
    kind = type(value)
    if kind is list:
        return copied(value)
    if kind is tuple:
        return tuple(copied(value))
    if kind is dict:
        return dict(zip(value, copied(tuple(value.values())), strict=True))
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    return copy.deepcopy(value)


def _bytes(value: Any) -> int:
    if isinstance(value, str | bytes):
        return _ITEM_BYTES + len(value)
    if isinstance(value, dict):
        return _ITEM_BYTES + sum(map(_bytes, value.values()))
    if isinstance(value, list | tuple):
        # As many as the first suggests: rows of a thousand numbers are not worth measuring each.
        return _ITEM_BYTES + (len(value) * _bytes(value[0]) if value else 0)
    return _ITEM_BYTES + int(getattr(value, "nbytes", 0))
