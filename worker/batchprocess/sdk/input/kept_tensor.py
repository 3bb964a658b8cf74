"""A tensor of a batch as it came, for whoever asks later."""

from typing import Any

import numpy as np
import torch

from batchprocess.sdk.device.torch_private import private_copy, version_of
from batchprocess.sdk.input.queues.shared_slots import lies_in_slot

_MAX_COPIED_BYTES = 64 << 10
"""Larger ones are not copied for nobody who may ask: that would cost as much as bringing them."""


def kept_apart(tensor: torch.Tensor) -> "tuple[torch.Tensor, KeptTensor]":
    """What user code may have of a tensor that has just come, and what is kept.

    Of a large one that a loader process has sent it is the memory that has come that is kept, and
    nothing is copied until user code writes to its own: then the pages that it writes to.
    """
    if tensor.nbytes > _MAX_COPIED_BYTES and not lies_in_slot(tensor):
        mine = private_copy(tensor)
        if mine is not None:
            return mine, KeptTensor(tensor, ours=True)
    return tensor, KeptTensor(tensor)


class KeptTensor:
    """A small one is copied; of a large one it is known whether it was written to.

    ours: nobody else has it.
    """

    def __init__(self, tensor: torch.Tensor, *, ours: bool = False) -> None:
        # What lies in a slot comes to user code as a copy, which can be watched.
        watched = tensor.untyped_storage().resizable() or lies_in_slot(tensor)
        self.copied = ours or tensor.nbytes <= _MAX_COPIED_BYTES or not watched
        # Not Tensor.numpy() of theirs, by which a prefetch knows that numpy may write to it.
        self._tensor = tensor.clone() if self.copied and not ours else tensor
        self._seen = self._state()

    def array(self, name: str) -> "np.ndarray[Any, Any]":
        """What it held; ValueError if that is gone."""
        if not self.copied and self._seen != self._state():
            raise ValueError(
                f"batch.columns[{name!r}]: the tensor batch[{name!r}] was written to, or given to "
                "numpy, and with it what was read is gone: ask for batch.columns before, or write "
                f"to batch[{name!r}].clone()"
            )
        return self._tensor.clone().numpy()

    def _state(self) -> tuple[int, int, bool]:
        tensor = self._tensor
        return version_of(tensor), tensor.data_ptr(), tensor.untyped_storage().resizable()
