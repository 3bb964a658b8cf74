"""Batches on their way to one GPU, on a stream of their own."""

import contextlib
import threading
from dataclasses import dataclass
from functools import cached_property

import torch

from batchprocess.sdk.device.cuda_driver import make_context
from batchprocess.sdk.device.cuda_events import make_event, make_stream
from batchprocess.sdk.device.page_locked import Copier, HeldMemory
from batchprocess.sdk.input.queues.shared_slots import lies_in_slot

_MAX_PINNED_BYTES = 2 << 30
_MAX_SHARE_OF_DEVICE = 0.02


@dataclass
class _Sent:
    tensor: torch.Tensor
    landed: torch.cuda.Event


class CudaPort:
    """Copies to one GPU on a stream of its own. Used by the feed and the loop thread."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._held = HeldMemory()
        self._copier = Copier()

    @cached_property
    def _stream(self) -> torch.cuda.Stream:
        return make_stream(self._device)

    @cached_property
    def _largest(self) -> float:
        return torch.cuda.get_device_properties(self._device).total_memory * _MAX_SHARE_OF_DEVICE

    def open(self) -> None:
        """Make the device this thread's own, and its context, if nobody has yet."""
        make_context(self._device.index or 0)
        torch.cuda.set_device(self._device)
        torch.empty(1, device=self._device)
        load_cudnn_beside(self._device)

    def pin(self, tensor: torch.Tensor) -> torch.Tensor:
        """A page-locked copy."""
        # Not tensor.pin_memory(): its storage is unresizable, by which we know numpy's presence.
        # No inference tensor either, which would have no version to see changes by.
        with torch.inference_mode(mode=False):
            pinned = torch.empty_like(tensor, pin_memory=True)
        self._held.add(pinned)
        # Not copy_(), which takes a thread for every core: these are the loader workers'.
        self._copier.copy(pinned, tensor)
        return pinned

    def out_of_slot(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy, if the loader's workers will write to its memory again."""
        if not lies_in_slot(tensor):
            return tensor
        made = torch.empty_like(tensor)
        self._copier.copy(made, tensor)
        return made

    def send(self, tensor: torch.Tensor) -> _Sent:
        """Start copying a page-locked tensor."""
        with torch.cuda.stream(self._stream):
            there = tensor.to(self._device, non_blocking=True)
            landed = make_event()
            landed.record(self._stream)
        return _Sent(there, landed)

    def receive(self, sent: _Sent) -> torch.Tensor:
        """The copy, once it has landed: from then on the source may be changed."""
        sent.landed.synchronize()
        # Its memory belongs to the side stream: it must not be given to the next copy there
        # while the stream of user code still reads it.
        sent.tensor.record_stream(torch.cuda.current_stream(self._device))
        return sent.tensor

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy made now, after which the source may be changed."""
        # From page-locked memory only a copy that is waited for. It is one behind all that the GPU
        # has to do, which may be writing there: to a tensor that user code locked.
        return tensor.to(self._device, non_blocking=not tensor.is_pinned())

    def has_room(self, size: int) -> bool:
        """Whether the batch is small beside the GPU, and user code keeps few pinned ones."""
        return size <= self._largest and self._held.bytes <= _MAX_PINNED_BYTES


def load_cudnn_beside(device: torch.device) -> threading.Thread:
    """Load cuDNN's libraries while the caller goes on; on a cold machine that takes seconds."""
    # No daemon, which threads of the feed's would be: the interpreter ends daemons wherever they
    # ask for its lock, and in code of torch that aborts the process.
    loading = threading.Thread(
        target=_load_cudnn, args=(device,), name="batchprocess-cudnn", daemon=False
    )
    loading.start()
    return loading


def _load_cudnn(device: torch.device) -> None:
    """A convolution of next to nothing: loading the libraries takes the first one 0.1 s."""
    image = torch.zeros(1, 1, 1, 1, device=device)
    with contextlib.suppress(RuntimeError), torch.no_grad():
        torch.nn.functional.conv2d(image, image)
