"""Changing the tensors in nested values; nothing else is touched, containers keep their types."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import torch


def cast(
    value: Any,
    dtype: torch.dtype | None,
    *,
    only: torch.dtype | None = None,
    channels_last: bool = False,
    cloned: bool = False,
) -> Any:
    """Floating-point tensors as `dtype` (with `only`: those of that type), images channels last.

    Looks into lists, tuples, dicts (Hugging Face outputs too) and dataclasses.
    """

    def change(tensor: torch.Tensor) -> torch.Tensor:
        if dtype is not None and tensor.is_floating_point() and only in (None, tensor.dtype):
            tensor = tensor.to(dtype)
        if channels_last and tensor.dim() == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        return tensor.clone() if cloned else tensor

    return each(value, change)


def each(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """`value` with every tensor in it replaced by `change` of it."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return rebuilt(value, {key: each(item, change) for key, item in value.items()})
    if isinstance(value, list | tuple):
        items = [each(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (one.name for one in dataclasses.fields(value) if one.init)
        return dataclasses.replace(
            value, **{name: each(getattr(value, name), change) for name in fields}
        )
    return value


def rebuilt(like: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    """`items` in a dict of the type of `like`."""
    if type(like) is dict:
        return items
    if dataclasses.is_dataclass(like):
        return type(like)(**items)  # Hugging Face outputs, which are both
    made = copy.copy(like)
    for key, item in items.items():
        made[key] = item
    return made
