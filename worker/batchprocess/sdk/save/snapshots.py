"""Columns of `context.save` as they are in the call, whatever becomes of them afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch


class Snapshot(Protocol):
    """One column, perhaps on its way back from the device."""

    def wait(self) -> Any:
        """The column on the CPU, a tensor or a list; waits until it has arrived."""


Fetch = Callable[[torch.Tensor], Snapshot]
"""Starts a copy from the GPU; RuntimeError if there is no room for it."""


_TEXT_BYTES = 64


@dataclass(frozen=True)
class _OnCpu:
    column: torch.Tensor | list[Any]

    def wait(self) -> torch.Tensor | list[Any]:
        return self.column


def snapshot(column: Any, fetch: Fetch | None) -> Snapshot:
    """A copy, made or begun: the caller may change or free the column at once.

    Takes tensors, arrays of numbers, texts, and what is its own snapshot already.
    """
    if isinstance(column, torch.Tensor):
        return _of_tensor(column, fetch)
    if isinstance(column, np.ndarray):
        return _OnCpu(torch.from_numpy(np.array(column)))
    if hasattr(column, "wait"):
        return column  # type: ignore[no-any-return]
    return _OnCpu(list(column))


def size_of(column: Any) -> int:
    """Bytes; of texts, about."""
    if hasattr(column, "nbytes"):
        return int(column.nbytes)
    return sum(_TEXT_BYTES + len(text) for text in column)


def _of_tensor(tensor: torch.Tensor, fetch: Fetch | None) -> Snapshot:
    if tensor.device.type != "cpu" and fetch is not None:
        try:
            return fetch(tensor)
        except RuntimeError:
            # No room for a copy there, or none to page-lock: copy it now, and wait for that. If
            # the GPU itself has failed, this fails too.
            pass
    return _OnCpu(tensor.detach().resolve_neg().to("cpu", copy=True).contiguous())
