"""Queues between us and the loader's workers, made for small batches.

multiprocessing hands what is put to a thread, and torch hands tensors over as file descriptors,
each by a connection of its own: most of a millisecond a batch. Here small messages are written at
once, small tensors travel in them, and large ones in slots, if the loader has been given some.
"""

import fcntl
import io
import os
import pickle
import sys
import termios
from collections.abc import Callable, Sequence
from functools import cached_property
from multiprocessing.context import ForkContext, ForkProcess
from multiprocessing.queues import Queue
from multiprocessing.reduction import ForkingPickler
from multiprocessing.resource_sharer import DupFd
from queue import Full
from typing import Any, NamedTuple

import torch
from torch.utils.data import get_worker_info

from batchprocess.sdk.input.prefetch import tensors_in
from batchprocess.sdk.input.shared_slots import Slot, Slots, tensor_in_slot

_MAX_DIRECT_BYTES = 4096
_MAX_WAITING_BYTES = 16 << 10
"""A pipe holds 64 KiB, or half of that in messages of half a page: nobody is to wait for a worker
that is gone."""
_MAX_INLINE_BYTES = 64 << 10
_PROTOCOL = 5


class _Packed(NamedTuple):
    body: bytes


# No type arguments: the class has none when it runs.
class DirectQueue(Queue):  # type: ignore[type-arg]
    """Messages in the order of `put`; what is got equals what was put, sharing of memory too."""

    _opid: int
    _thread: object
    _sem: Any
    _wlock: Any
    _reader: Any
    _writer: Any
    _slots: Sequence[Slots] = ()

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """As documented for multiprocessing."""
        if os.getpid() != self._opid:
            # A worker's batches may be large: its thread writes them.
            super().put(pack(obj, self._mine()), block, timeout)
            return
        message = ForkingPickler.dumps(obj)
        # Once there is a thread, it has all messages: they must not overtake each other.
        if self._thread is not None or len(message) > _MAX_DIRECT_BYTES or self._is_filling():
            super().put(obj, block, timeout)
            return
        if not self._sem.acquire(block, timeout):
            raise Full
        with self._wlock:
            self._writer.send_bytes(message)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As documented for multiprocessing."""
        got = super().get(block, timeout)
        return pickle.loads(got.body) if type(got) is _Packed else got  # noqa: S301  our worker's

    def _is_filling(self) -> bool:
        waiting = fcntl.ioctl(self._reader.fileno(), termios.FIONREAD, bytes(4))
        return int.from_bytes(waiting, sys.byteorder) > _MAX_WAITING_BYTES

    def _mine(self) -> Slots | None:
        worker = get_worker_info()
        return self._slots[worker.id] if worker is not None and self._slots else None


class ForkingContext(ForkContext):
    """multiprocessing's way of forking, with these queues.

    `slots` makes some for each worker; called with the first queue, which is before any is forked.
    """

    Process = ForkProcess

    def __init__(self, slots: Callable[[], Sequence[Slots]] = tuple) -> None:
        super().__init__()
        self._make = slots

    @cached_property
    def _slots(self) -> Sequence[Slots]:
        return self._make()

    def Queue(self, maxsize: int = 0) -> Any:  # noqa: N802  multiprocessing's name
        """A queue, to be written by us or by workers."""
        queue = DirectQueue(maxsize, ctx=self.get_context())
        queue._slots = self._slots
        return queue


def pack(obj: Any, slots: Slots | None = None) -> Any:
    """`obj` with its small tensors in the message and its large ones in a slot; as it is if that

    can't be done faithfully.
    """
    buffer = io.BytesIO()
    pickler = _Inline(buffer, obj, slots)
    sent = False
    try:
        pickler.dump(obj)
        sent = True
    except Exception:  # noqa: BLE001  what can't be pickled fails as it always has
        return obj
    finally:
        pickler.close(sent=sent)
    return _Packed(buffer.getvalue())


class _Shared(Exception):
    """Two tensors share memory: copies in a message would not."""


class _Inline(ForkingPickler):
    def __init__(self, buffer: io.BytesIO, obj: Any, slots: Slots | None) -> None:
        super().__init__(buffer, _PROTOCOL)
        self._seen: set[int] = set()
        self._slots = slots
        self._slot: Slot | None = None
        self._lent: list[Any] = []
        # Only those that the reader will find, too, to take them out of the slot.
        self._found = set() if slots is None else {id(tensor) for tensor in tensors_in(obj)}

    def close(self, *, sent: bool) -> None:
        """The message is whole, or not to be sent."""
        if self._slot is not None:
            self._slot.close(sent=sent)
        for lent in () if sent else self._lent:
            _take_back(lent)

    def reducer_override(self, obj: Any) -> Any:
        """How to pickle one object; NotImplemented: as ever."""
        if not isinstance(obj, torch.Tensor):
            if isinstance(obj, DupFd | torch.UntypedStorage):
                self._lent.append(obj)
            return NotImplemented
        if obj.layout is torch.strided and obj.numel() > 0:
            # Not its address, which changes when a tensor is moved to shared memory.
            storage = obj.untyped_storage()._cdata
            if storage in self._seen:
                raise _Shared
            self._seen.add(storage)
        if not _is_plain(obj):
            return NotImplemented
        if obj.nbytes > _MAX_INLINE_BYTES:
            return self._in_slot(obj)
        body = bytearray(obj.reshape(-1).view(torch.uint8).numpy())
        rebuild: Callable[..., torch.Tensor] = _rebuilt
        return rebuild, (body, obj.dtype, tuple(obj.shape))

    def _in_slot(self, tensor: torch.Tensor) -> Any:
        if id(tensor) not in self._found:
            return NotImplemented
        if self._slot is None and self._slots is not None:
            self._slot = self._slots.open()
        placed = None if self._slot is None else self._slot.place(tensor)
        return NotImplemented if placed is None else (tensor_in_slot, placed)


def _take_back(lent: Any) -> None:
    """Memory that torch has made ready to be sent stays, with its file, until somebody takes it."""
    strategy: Callable[[], str] = torch.multiprocessing.get_sharing_strategy
    if isinstance(lent, DupFd):
        os.close(lent.detach())
    elif strategy() == "file_system":
        lent._shared_decref()


def _is_plain(tensor: torch.Tensor) -> bool:
    """Whether its bytes, type, shape and strides are all that it is."""
    return (
        type(tensor) is torch.Tensor
        and tensor.device.type == "cpu"
        and tensor.layout is torch.strided
        and tensor.nbytes > 0
        and tensor.untyped_storage().nbytes() == tensor.nbytes
        and (tensor.is_contiguous() or _is_large_image(tensor))
        and not (tensor.requires_grad or tensor.is_conj() or tensor.is_neg())
        and not (tensor.is_quantized or tensor.is_inference())
    )


def _is_large_image(tensor: torch.Tensor) -> bool:
    """A slot takes images in the channels-last layout too; in messages that was not worth it."""
    return (
        tensor.dim() == 4
        and tensor.nbytes > _MAX_INLINE_BYTES
        and tensor.is_contiguous(memory_format=torch.channels_last)
    )


def _rebuilt(body: bytearray, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    # A clone has memory of its own, which can be resized, as that of any other tensor.
    return torch.frombuffer(body, dtype=dtype).reshape(shape).clone()
