"""The tensors in a batch: found, replaced, and what they are."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch


class MappedBatch(dict[str, Any], ABC):
    """A dict of columns that has more than these."""

    @abstractmethod
    def with_items(self, items: Mapping[str, Any]) -> "MappedBatch":
        """The same with other tensors."""


def tensors_in(batch: Any) -> Iterator[torch.Tensor]:
    """The tensors in lists, tuples and dicts, depth first; nothing else is looked into."""
    kind = type(batch)
    if kind is torch.Tensor:
        yield batch
    elif kind is list or kind is tuple or _is_named(batch):
        for item in batch:
            yield from tensors_in(item)
    elif kind is dict or issubclass(kind, MappedBatch):
        for item in batch.values():
            yield from tensors_in(item)


def replaced(batch: Any, by: dict[int, torch.Tensor]) -> Any:
    """The batch with some of its tensors replaced, by their id, in containers of the same types."""
    kind = type(batch)
    if kind is torch.Tensor:
        return by.get(id(batch), batch)
    if _is_named(batch):
        # Not by its constructor, which may take other things than its fields.
        return kind._make(replaced(item, by) for item in batch)
    if kind is list or kind is tuple:
        return kind(replaced(item, by) for item in batch)
    if kind is dict:
        return {key: replaced(item, by) for key, item in batch.items()}
    if issubclass(kind, MappedBatch):
        return batch.with_items({key: replaced(item, by) for key, item in batch.items()})
    return batch


def _is_named(batch: Any) -> bool:
    return isinstance(batch, tuple) and hasattr(batch, "_make")


def is_plain(tensor: torch.Tensor) -> bool:
    """Whether a copy of it is all that it is: on the CPU, dense, without a history."""
    return (
        tensor.device.type == "cpu"
        and tensor.layout is torch.strided
        and not (tensor.requires_grad or tensor.is_inference() or tensor.is_neg())
        and not (tensor.is_conj() or tensor.is_quantized)
        and tensor.numel() > 0
        and (tensor.is_contiguous() or _is_channels_last(tensor))
    )


def _is_channels_last(tensor: torch.Tensor) -> bool:
    return tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)


def share_memory(found: list[torch.Tensor]) -> bool:
    """Whether writing to one would be seen in another, which copies would end."""
    dense = [one for one in found if one.layout is torch.strided and one.device.type == "cpu"]
    pointers = [tensor.untyped_storage().data_ptr() for tensor in dense if tensor.numel() > 0]
    return len(set(pointers)) < len(pointers)
