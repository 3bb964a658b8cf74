"""Cutting a batch into parts by rows, and joining what was made of them. Knows no model."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from batchprocess.sdk.device.tensor_trees import each, rebuilt

_PLAIN = str | int | float | bool


def part_of(given: Any, rows: int, begin: int, end: int) -> Any:
    """Rows `[begin, end)` of every tensor that has `rows` rows; all else as it is."""
    return each_of_rows(given, rows, lambda tensor: tensor[begin:end])


def each_of_rows(given: Any, rows: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """`given` with every tensor of `rows` rows replaced by `change` of it."""
    return each(given, lambda tensor: change(tensor) if has_rows(tensor, rows) else tensor)


def has_rows(tensor: torch.Tensor, rows: int) -> bool:
    """Whether the first dimension is as long as the batch."""
    return tensor.dim() > 0 and tensor.shape[0] == rows


def tensors_in(given: Any) -> list[torch.Tensor]:
    """Every tensor in nested values, in order."""
    found: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        found.append(tensor)
        return tensor

    each(given, keep)
    return found


def leaves_of(given: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Everything in nested values that is no container, with the way to it."""
    if isinstance(given, dict):
        items = list(given.items())
    elif isinstance(given, list | tuple):
        items = list(enumerate(given))
    elif dataclasses.is_dataclass(given) and not isinstance(given, type):
        items = [(one.name, getattr(given, one.name)) for one in dataclasses.fields(given)]
    else:
        yield path, given
        return
    yield (*path, type(given), len(items)), None
    for key, item in items:
        yield from leaves_of(item, (*path, key))


def join(parts: Sequence[Any], sizes: Sequence[int]) -> Any:
    """The outputs for parts of `sizes` rows as the output for all.

    Tensors with one row first, alone or in lists, tuples, dicts, dataclasses and Hugging Face
    outputs; other values if they are the same for all parts. TypeError names what can't be joined.
    """
    first = parts[0]
    if any(type(part) is not type(first) for part in parts):
        raise TypeError("values of different types for different parts")
    if isinstance(first, torch.Tensor):
        return _concatenate(parts, sizes)
    if isinstance(first, dict):
        if any(part.keys() != first.keys() for part in parts):
            raise TypeError("a dict of other keys for each part")
        joined = {key: join([part[key] for part in parts], sizes) for key in first}
        return rebuilt(first, joined)
    if isinstance(first, list | tuple):
        _check_items(parts, sizes)
        columns = [join(column, sizes) for column in zip(*parts, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else type(first)(columns)
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        names = [one.name for one in dataclasses.fields(first)]
        return type(first)(**{n: join([getattr(part, n) for part in parts], sizes) for n in names})
    if isinstance(first, _PLAIN | None) and all(part == first for part in parts):
        return first
    raise TypeError(f"a {type(first).__qualname__} among them")


def _check_items(parts: Sequence[Any], sizes: Sequence[int]) -> None:
    """Items are of all rows together, not of one row each, which would be lost but for a part's."""
    kind, lengths = type(parts[0]).__qualname__, [len(part) for part in parts]
    if len(set(lengths)) > 1:
        raise TypeError(f"a {kind} of another length for each part")
    if lengths == list(sizes) and all(isinstance(item, _PLAIN) for item in parts[0]):
        raise TypeError(f"a {kind} with one value for each row")


def _concatenate(parts: Sequence[torch.Tensor], sizes: Sequence[int]) -> torch.Tensor:
    first = parts[0]
    for part, size in zip(parts, sizes, strict=True):
        if not has_rows(part, size):
            raise TypeError(f"a tensor of shape {tuple(part.shape)} for {size} rows")
        if part.shape[1:] != first.shape[1:] or part.dtype != first.dtype:
            raise TypeError(
                f"a tensor of shape {tuple(part.shape)} and {part.dtype} beside one of "
                f"{tuple(first.shape)} and {first.dtype}"
            )
    return torch.cat(list(parts))
