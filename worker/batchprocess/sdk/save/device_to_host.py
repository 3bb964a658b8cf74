"""Results on their way back from the GPUs, on streams of their own."""

from dataclasses import dataclass

import torch

from batchprocess.sdk.device.cuda_events import make_event, make_stream


@dataclass
class _HostCopy:
    host: torch.Tensor
    snapshot: torch.Tensor | None
    landed: torch.cuda.Event

    def wait(self) -> torch.Tensor:
        """The tensor on the CPU; waits, asleep, until it has landed."""
        self.landed.synchronize()
        # Not before: its memory goes back to a stream that does not know of the copy.
        self.snapshot = None
        return self.host


class CudaReturn:
    """Copies results to the CPU.

    A model may lie on several GPUs, and a result on any: work on one is not ordered by another's
    streams.
    """

    def __init__(self) -> None:
        self._streams: dict[torch.device, torch.cuda.Stream] = {}

    def fetch(self, tensor: torch.Tensor) -> _HostCopy:
        """Start copying what `tensor` holds now, in stream order; it may change afterwards.

        Raises OutOfMemoryError if there is no room for the snapshot.
        """
        snapshot = tensor.detach().resolve_neg().clone(memory_format=torch.contiguous_format)
        stream, cloned = self._stream(snapshot.device), make_event()
        cloned.record(torch.cuda.current_stream(snapshot.device))
        host = torch.empty(snapshot.shape, dtype=snapshot.dtype, pin_memory=True)
        with torch.cuda.stream(stream):
            stream.wait_event(cloned)
            host.copy_(snapshot, non_blocking=True)
            landed = make_event(blocking=True)
            landed.record(stream)
        return _HostCopy(host, snapshot, landed)

    def _stream(self, device: torch.device) -> torch.cuda.Stream:
        if device not in self._streams:
            self._streams[device] = make_stream(device)
        return self._streams[device]
