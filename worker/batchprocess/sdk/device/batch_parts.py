"""Cutting a batch into parts by rows, and joining what was made of them. Knows no model."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from batchprocess.sdk.device.tensor_trees import rebuilt

_PLAIN = str | int | float | bool


def rows_of(given: Any) -> int | None:
    """First dimension of the first tensor that has one; None if there is none to split."""
    return next((t.shape[0] for t in _tensors(given) if t.dim() and t.shape[0] > 0), None)


def join(parts: Sequence[Any], sizes: Sequence[int]) -> Any:
    """The outputs for parts of `sizes` rows as the output for all.

    Tensors with one row first, alone or in lists, tuples, dicts, dataclasses and Hugging Face
    outputs; other values if they are the same for all parts. TypeError names what can't be joined.
    """
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return _concatenate(parts, sizes)
    if isinstance(first, dict):
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


def _concatenate(parts: Sequence[Any], sizes: Sequence[int]) -> torch.Tensor:
    for part, size in zip(parts, sizes, strict=True):
        if part.dim() == 0 or part.shape[0] != size:
            raise TypeError(f"a tensor of shape {tuple(part.shape)} for {size} rows")
    return torch.cat(list(parts))


def part_of(given: Any, rows: int, begin: int, end: int) -> Any:
    """Rows `[begin, end)` of every tensor that has `rows` rows; all else as it is."""
    if isinstance(given, torch.Tensor):
        return given[begin:end] if given.dim() and given.shape[0] == rows else given
    if isinstance(given, list | tuple):
        parts = [part_of(item, rows, begin, end) for item in given]
        return type(given)(*parts) if hasattr(given, "_fields") else type(given)(parts)
    if isinstance(given, dict):
        items = {key: part_of(item, rows, begin, end) for key, item in given.items()}
        return rebuilt(given, items)
    return given


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, list | tuple):
        for item in given:
            yield from _tensors(item)
    elif isinstance(given, dict):
        for item in given.values():
            yield from _tensors(item)
