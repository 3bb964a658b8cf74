"""What copies batches to a device, as the prefetch uses it."""

from typing import Any, Protocol

import torch


class Port(Protocol):
    """The machine's side of a transfer; a fake one stands in for it where there is no GPU."""

    def open(self) -> None:
        """Touch the device, from the thread that will pin and send."""

    def pin(self, tensor: torch.Tensor) -> torch.Tensor:
        """A page-locked copy whose storage is resizable, as a fresh tensor's is.

        RuntimeError if no memory can be locked.
        """

    def send(self, tensor: torch.Tensor) -> Any:
        """Start copying to the device; OutOfMemoryError if there is no room there."""

    def receive(self, sent: Any) -> torch.Tensor:
        """The copy, complete, alive for whatever the current stream does with it."""

    def has_room(self, size: int) -> bool:
        """Whether a batch of `size` bytes may be pinned and copied ahead."""

    def out_of_slot(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor, in memory that no loader worker will write to."""
