"""Batches as messages of loader workers: small tensors travel in them, large ones in slots."""

import io
import pickle
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

import torch

from batchprocess.sdk.device.torch_private import release_unsent, storage_key
from batchprocess.sdk.input.batch_tensors import tensors_in
from batchprocess.sdk.input.queues.multiprocessing_private import DupFd, close_unsent
from batchprocess.sdk.input.queues.shared_slots import Slot, Slots, tensor_in_slot

_MAX_INLINE_BYTES = 64 << 10
_PROTOCOL = 5


class Packed(NamedTuple):
    """A batch that `unpack` makes from it again."""

    body: bytes


def pack(obj: Any, slots: Slots | None = None, *, inline: bool = False) -> Any:
    """`obj` as a message; as it is if that can't be done faithfully.

    inline: what finds no slot travels in the message, of whatever size.
    """
    buffer = io.BytesIO()
    pickler = _BatchPickler(buffer, obj, slots, inline=inline)
    sent = False
    try:
        pickler.dump(obj)
        sent = True
    except Exception:  # noqa: BLE001  what can't be pickled fails as it always has
        return obj
    finally:
        pickler.finish(sent=sent)
    return Packed(buffer.getvalue())


def unpack(message: Packed) -> Any:
    """In the reader."""
    return pickle.loads(message.body)  # noqa: S301  our worker's


class _SharedMemory(Exception):
    """Two tensors share memory: copies in a message would not."""


class _BatchPickler(ForkingPickler):
    def __init__(self, buffer: io.BytesIO, obj: Any, slots: Slots | None, *, inline: bool) -> None:
        super().__init__(buffer, _PROTOCOL)
        self._inline = inline
        self._seen: set[int] = set()
        self._slots = slots
        self._slot: Slot | None = None
        self._handles: list[Any] = []
        # Only those that the reader will find, too, to take them out of the slot.
        self._found = set() if slots is None else {id(tensor) for tensor in tensors_in(obj)}

    def finish(self, *, sent: bool) -> None:
        """The message is whole, or not to be sent."""
        if self._slot is not None:
            self._slot.finish(sent=sent)
        for handle in () if sent else self._handles:
            # Memory that torch has made ready to be sent stays, with its file, until it is taken.
            if isinstance(handle, DupFd):
                close_unsent(handle)
            else:
                release_unsent(handle)

    def reducer_override(self, obj: Any) -> Any:
        """How to pickle one object; NotImplemented: as ever."""
        if not isinstance(obj, torch.Tensor):
            if isinstance(obj, DupFd | torch.UntypedStorage):
                self._handles.append(obj)
            return NotImplemented
        self._refuse_shared(obj)
        if not _is_plain(obj):
            return NotImplemented
        if obj.nbytes > _MAX_INLINE_BYTES:
            placed = self._in_slot(obj)
            if placed is not NotImplemented or not (self._inline and obj.is_contiguous()):
                return placed
        body = bytearray(obj.reshape(-1).view(torch.uint8).numpy())
        rebuild: Callable[..., torch.Tensor] = _rebuilt
        return rebuild, (body, obj.dtype, tuple(obj.shape))

    def _refuse_shared(self, tensor: torch.Tensor) -> None:
        if tensor.layout is not torch.strided or tensor.numel() == 0:
            return
        key = storage_key(tensor)
        if key in self._seen:
            raise _SharedMemory
        self._seen.add(key)

    def _in_slot(self, tensor: torch.Tensor) -> Any:
        if id(tensor) not in self._found:
            return NotImplemented
        if self._slot is None and self._slots is not None:
            self._slot = self._slots.free_slot()
        placed = None if self._slot is None else self._slot.place(tensor)
        return NotImplemented if placed is None else (tensor_in_slot, placed)


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
