"""Queues between us and the loader's workers, made for small batches.

multiprocessing hands what is put to a thread, and torch hands tensors over as file descriptors,
each by a connection of its own: most of a millisecond a batch. Here small messages are written at
once, and small tensors travel in them.
"""

import io
import os
import pickle
from collections.abc import Callable
from multiprocessing.context import ForkContext, ForkProcess
from multiprocessing.queues import Queue
from multiprocessing.reduction import ForkingPickler
from queue import Full
from typing import Any, NamedTuple

import torch

_MOST_AT_ONCE = 4096
"""A pipe holds 64 KiB: a dozen batches ahead, and nobody waits for a worker that is gone."""
_MOST_INLINE = 64 << 10
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
    _writer: Any

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """As documented for multiprocessing."""
        if os.getpid() != self._opid:
            # A worker's batches may be large: its thread writes them.
            super().put(pack(obj), block, timeout)
            return
        message = ForkingPickler.dumps(obj)
        # Once there is a thread, it has all messages: they must not overtake each other.
        if self._thread is not None or len(message) > _MOST_AT_ONCE:
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


class Forking(ForkContext):
    """multiprocessing's way of forking, with these queues."""

    Process = ForkProcess

    def Queue(self, maxsize: int = 0) -> Any:  # noqa: N802  multiprocessing's name
        """A queue, to be written by us or by workers."""
        return DirectQueue(maxsize, ctx=self.get_context())


def pack(obj: Any) -> Any:
    """`obj` with its small tensors in the message; as it is if that can't be done faithfully."""
    buffer = io.BytesIO()
    pickler = _Inline(buffer, _PROTOCOL)
    try:
        pickler.dump(obj)
    except Exception:  # noqa: BLE001  what can't be pickled fails as it always has
        return obj
    return _Packed(buffer.getvalue())


class _Shared(Exception):
    """Two tensors share memory: copies in a message would not."""


class _Inline(ForkingPickler):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._seen: set[int] = set()

    def reducer_override(self, obj: Any) -> Any:
        """How to pickle one object; NotImplemented: as ever."""
        if not isinstance(obj, torch.Tensor):
            return NotImplemented
        if obj.layout is torch.strided and obj.numel() > 0:
            # Not its address, which changes when a tensor is moved to shared memory.
            storage = obj.untyped_storage()._cdata
            if storage in self._seen:
                raise _Shared
            self._seen.add(storage)
        if not _is_small(obj):
            return NotImplemented
        body = bytearray(obj.reshape(-1).view(torch.uint8).numpy())
        rebuild: Callable[..., torch.Tensor] = _rebuilt
        return rebuild, (body, obj.dtype, tuple(obj.shape))


def _is_small(tensor: torch.Tensor) -> bool:
    """Whether its bytes, type and shape are all that it is, and few."""
    return (
        type(tensor) is torch.Tensor
        and tensor.device.type == "cpu"
        and tensor.layout is torch.strided
        and 0 < tensor.nbytes <= _MOST_INLINE
        and tensor.untyped_storage().nbytes() == tensor.nbytes
        and tensor.is_contiguous()
        and not (tensor.requires_grad or tensor.is_conj() or tensor.is_neg())
        and not (tensor.is_quantized or tensor.is_inference())
    )


def _rebuilt(body: bytearray, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    # A clone has memory of its own, which can be resized, as that of any other tensor.
    return torch.frombuffer(body, dtype=dtype).reshape(shape).clone()
