"""The GPU's side of the loop: copies on side streams, and a bound on batches under way."""

import contextlib
import ctypes
import threading
from collections import deque
from dataclasses import dataclass
from functools import cached_property

import torch

from batchprocess.sdk.device.page_locked import Copier, Held
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.shared_slots import lies_in_slot

_MOST_PINNED_BYTES = 2 << 30
_MOST_OF_DEVICE = 0.02
_MOST_UNDER_WAY = 8


@dataclass
class _Sent:
    tensor: torch.Tensor
    landed: torch.cuda.Event


class CudaPort:
    """Copies to one GPU on a stream of its own. Used by the feed and the loop thread."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._held = Held()
        self._copier = Copier()

    @cached_property
    def _stream(self) -> torch.cuda.Stream:
        return _stream(self._device)

    @cached_property
    def _largest(self) -> float:
        return torch.cuda.get_device_properties(self._device).total_memory * _MOST_OF_DEVICE

    def open(self) -> None:
        """Make the device this thread's own, and its context, if nobody has yet."""
        _make_context(self._device.index or 0)
        torch.cuda.set_device(self._device)
        torch.empty(1, device=self._device)
        # No daemon: a process that ends early must not end in the middle of it.
        threading.Thread(
            target=_load_cudnn, args=(self._device,), name="batchprocess-cudnn"
        ).start()

    def pin(self, tensor: torch.Tensor) -> torch.Tensor:
        """A page-locked copy."""
        # Not tensor.pin_memory(): its storage is unresizable, by which we know numpy's presence.
        # No inference tensor either, which would have no version to tell changes by.
        with torch.inference_mode(mode=False):
            pinned = torch.empty_like(tensor, pin_memory=True)
        self._held.add(pinned)
        # Not copy_(), which takes a thread for every core: these are the loader workers'.
        self._copier.copy(pinned, tensor)
        return pinned

    def own(self, tensor: torch.Tensor) -> torch.Tensor:
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
            landed = _event()
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

    def room(self, size: int) -> bool:
        """Whether the batch is small beside the GPU, and user code keeps few pinned ones."""
        return size <= self._largest and self._held.bytes <= _MOST_PINNED_BYTES


@dataclass
class _Landing:
    host: torch.Tensor
    snapshot: torch.Tensor | None
    landed: torch.cuda.Event

    def get(self) -> torch.Tensor:
        """The tensor on the CPU; waits, asleep, until it has landed."""
        self.landed.synchronize()
        # Not before: its memory goes back to a stream that does not know of the copy.
        self.snapshot = None
        return self.host


class CudaReturn:
    """Results on their way to the CPU, on a stream of their own.

    A model may lie on several GPUs, and a result on any: work on one is not ordered by another's
    streams.
    """

    def __init__(self) -> None:
        self._streams: dict[torch.device, torch.cuda.Stream] = {}

    def fetch(self, tensor: torch.Tensor) -> _Landing:
        """Start copying what `tensor` holds now, in stream order; it may change afterwards.

        Raises OutOfMemoryError if there is no room for the snapshot.
        """
        snapshot = tensor.detach().clone(memory_format=torch.contiguous_format)
        stream, taken = self._stream(snapshot.device), _event()
        taken.record(torch.cuda.current_stream(snapshot.device))
        host = torch.empty(snapshot.shape, dtype=snapshot.dtype, pin_memory=True)
        with torch.cuda.stream(stream):
            stream.wait_event(taken)
            host.copy_(snapshot, non_blocking=True)
            landed = _event(blocking=True)
            landed.record(stream)
        return _Landing(host, snapshot, landed)

    def _stream(self, device: torch.device) -> torch.cuda.Stream:
        if device not in self._streams:
            self._streams[device] = _stream(device)
        return self._streams[device]


class UnderWay:
    """Batches whose work is queued on the GPU: few enough for memory, and their time.

    Without a bound, a loop that never looks at a result would queue batches as fast as it can,
    each with its own memory.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._open: deque[tuple[torch.cuda.Event, torch.cuda.Event]] = deque()
        self._spare: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._begun: tuple[torch.cuda.Event, torch.cuda.Event] | None = None
        self.seconds = 0.0

    def begin(self) -> None:
        """The next batch's work comes now."""
        self._begun = self._spare.pop() if self._spare else (_timer(), _timer())
        self._begun[0].record(torch.cuda.current_stream(self._device))

    def end(self) -> None:
        """All work of the batch is queued; waits if too many are under way."""
        if self._begun is None:
            return
        self._begun[1].record(torch.cuda.current_stream(self._device))
        self._open.append(self._begun)
        self._begun = None
        while self._open and (len(self._open) >= _MOST_UNDER_WAY or _is_done(self._open[0][1])):
            self._close()

    def drain(self) -> None:
        """Wait for all of them."""
        while self._open:
            self._close()

    def _close(self) -> None:
        pair = self._open.popleft()
        pair[1].synchronize()
        self.seconds += pair[0].elapsed_time(pair[1]) / 1e3
        self._spare.append(pair)


def _timer() -> torch.cuda.Event:
    return _event(enable_timing=True)


def _event(**options: bool) -> torch.cuda.Event:
    return torch.cuda.Event(**options)  # type: ignore[no-untyped-call]


def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def _is_done(event: torch.cuda.Event) -> bool:
    return bool(event.query())  # type: ignore[no-untyped-call]


def _make_context(ordinal: int) -> None:
    """The one that torch finds then. torch would hold the interpreter, while the model is built."""
    with contextlib.suppress(OSError):  # no driver: torch says so
        driver = ctypes.CDLL("libcuda.so.1")
        device, context = ctypes.c_int(), ctypes.c_void_p()
        if not driver.cuInit(0) and not driver.cuDeviceGet(ctypes.byref(device), ordinal):
            # Never released: it ends with the process, as torch's own hold on it does.
            driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)


def _load_cudnn(device: torch.device) -> None:
    """A convolution of next to nothing: loading the libraries takes the first one 0.1 s."""
    image = torch.zeros(1, 1, 1, 1, device=device)
    with contextlib.suppress(RuntimeError), torch.no_grad():
        torch.nn.functional.conv2d(image, image)


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
        self.under_way = UnderWay(device)
        self.back = CudaReturn()

    def give_way(self) -> None:
        """Return all memory that can be spared."""
        if self.prefetch is not None:
            self.prefetch.give_way()
        torch.cuda.empty_cache()

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        """The copy that is there already, else one made now."""
        ahead = None if self.prefetch is None else self.prefetch.take(tensor)
        return self.port.copy(tensor) if ahead is None else ahead
