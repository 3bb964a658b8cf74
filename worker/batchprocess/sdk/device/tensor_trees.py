"""Changing the tensors in nested values; nothing else is touched, containers keep their types."""

import copy
import dataclasses
from collections import UserList, deque
from collections.abc import Callable, Mapping, MutableMapping
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
    return with_items(value, lambda item: each(item, change))


def with_items(value: Any, change: Callable[[Any], Any]) -> Any:
    """A container of the same type, with `change` of each of its items; others as they are.

    Containers are mappings, lists, tuples, deques and dataclasses, and those derived of them: as
    torch's `pin_memory` copies them, so that what they hold beside their items stays.
    """
    if isinstance(value, Mapping):
        return rebuilt(value, {key: change(item) for key, item in value.items()})
    if isinstance(value, list | tuple | UserList | deque):
        return _with_list(value, [change(item) for item in value])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _with_fields(value, change)
    return value


def rebuilt(like: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """`items` in a mapping of the type of `like`, which has these keys."""
    if type(like) is dict:
        return items
    if dataclasses.is_dataclass(like):
        return type(like)(**items)  # Hugging Face outputs, which are both
    if not isinstance(like, MutableMapping):
        return _tried(type(like), items)
    made = copy.copy(like)
    for key, item in items.items():
        made[key] = item
    return made


def _with_list(like: Any, items: list[Any]) -> Any:
    if type(like) is list:
        return items
    if hasattr(like, "_make"):
        return type(like)._make(items)
    if isinstance(like, tuple):
        return _tried(type(like), items)
    made = copy.copy(like)
    for number, item in enumerate(items):
        made[number] = item
    return made


def _with_fields(value: Any, change: Callable[[Any], Any]) -> Any:
    """Not by its constructor, which may take other things than its fields, or compute some."""
    made = copy.copy(value)
    for field in dataclasses.fields(value):
        if hasattr(value, field.name):
            object.__setattr__(made, field.name, change(getattr(value, field.name)))
    return made


def _tried(kind: type, items: Any) -> Any:
    """One of this type, or what there is if it takes something else: as torch does."""
    try:
        return kind(items)
    except TypeError:
        return items
