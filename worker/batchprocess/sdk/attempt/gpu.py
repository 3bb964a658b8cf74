"""One GPU as the loop and the context use it: copies both ways, and batches in flight."""

import torch

from batchprocess.sdk.device.in_flight import BatchesInFlight
from batchprocess.sdk.input.host_to_device import CudaPort
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.save.device_to_host import CudaReturn


class Gpu:
    """One GPU as the loop and the context use it.

    `ahead`: batches are sent before they are asked for; `everything`: all of each, as
    `pin_memory=True` asks.
    """

    def __init__(
        self, device: torch.device, *, ahead: bool = True, everything: bool = False
    ) -> None:
        self.device = device
        self.port = CudaPort(device)
        self.prefetch = Prefetch(self.port, everything=everything) if ahead else None
        self.in_flight = BatchesInFlight(device)
        self.device_to_host = CudaReturn()

    def release_memory(self) -> None:
        """Return all memory that can be spared."""
        if self.prefetch is not None:
            self.prefetch.release_memory()
        torch.cuda.empty_cache()

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        """The copy that is there already, else one made now."""
        ahead = None if self.prefetch is None else self.prefetch.device_copy(tensor)
        return self.port.copy(tensor) if ahead is None else ahead
