"""Memory shared with the loader's workers, used again and again for their batches.

torch makes a new piece for each batch: 38 MB are 9,400 pages to be made in the worker, found in
this process and given back, the last with the interpreter held, while the loop wants to feed the
GPU. Slots are mapped before the fork, so that both sides have them, and keep their pages.
"""

import ctypes
import itertools
import os
import weakref
from typing import Any

import torch

from batchprocess.sdk.input.queues.shared_mapping import map_shared, unmap

SLOT_BYTES = 512 << 20
"""Addresses, not memory: of that a slot has what its largest batch has used."""
_SPARE = 2
"""Besides the batches that a loader reads ahead: the one in our hands, and one that lags behind."""
_MAX_SLOTS = 256
"""Numbers of a byte."""
_ALIGNED = 64
_numbers = itertools.count()
_known: "weakref.WeakValueDictionary[int, Slots]" = weakref.WeakValueDictionary()


class Slots:
    """The slots of one worker. It takes one a batch, and has it back when the batch is freed.

    Raises OSError if there are no addresses for them.
    """

    def __init__(self, count: int, size: int = SLOT_BYTES) -> None:
        self.key, self._size, self._reader = next(_numbers), size, os.getpid()
        self._address = map_shared(count * size)
        self._end = self._address + count * size
        weakref.finalize(self, unmap, self._address, count * size).atexit = False
        self._back = _NumberPipe()
        self._free = list(reversed(range(count)))
        self._leases: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        _known[self.key] = self

    def free_slot(self) -> "Slot | None":
        """In the worker: a free slot; None if the reader still has them all."""
        self._free += self._back.read()
        # The one freed last: its pages are in the caches, and the fewest slots get any.
        return Slot(self, self._free.pop()) if self._free else None

    def give_back(self, number: int) -> None:
        """In the worker: nothing of it was sent."""
        self._free.append(number)

    def address(self, number: int) -> int:
        """Where a slot begins, on both sides."""
        return self._address + number * self._size

    def holds(self, address: int) -> bool:
        """Whether it is in one of them."""
        return self._address <= address < self._end

    def lease(self, number: int) -> Any:
        """In the reader: the slot's memory, free for the worker once nobody holds this any more."""
        lease = self._leases.get(number)
        if lease is None:
            lease = (ctypes.c_char * self._size).from_address(self.address(number))
            self._leases[number] = lease
            # Holds us too, so that the memory stays mapped.
            weakref.finalize(lease, self._release, number).atexit = False
        return lease

    def _release(self, number: int) -> None:
        # User code may have forked: a forked child lets go of its batches, not of ours.
        if os.getpid() == self._reader:
            self._back.write(number)


class Slot:
    """One slot being filled with the large tensors of one batch."""

    def __init__(self, slots: Slots, number: int) -> None:
        self._slots, self._number, self._used = slots, number, 0

    def place(self, tensor: torch.Tensor) -> tuple[Any, ...] | None:
        """Copy a dense tensor; what `tensor_in_slot` needs. None if it does not fit."""
        at = -(-self._used // _ALIGNED) * _ALIGNED
        if at + tensor.nbytes > self._slots._size:
            return None
        to = self._slots.address(self._number) + at
        ctypes.memmove(to, tensor.data_ptr(), tensor.nbytes)
        self._used = at + tensor.nbytes
        shape, stride = tuple(tensor.shape), tensor.stride()
        return (self._slots.key, self._number, at, tensor.dtype, shape, stride)

    def finish(self, *, sent: bool) -> None:
        """Nothing more comes; a slot that nothing was sent of is free again."""
        if not (sent and self._used):
            self._slots.give_back(self._number)


def tensor_in_slot(
    key: int,
    number: int,
    at: int,
    dtype: torch.dtype,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
) -> torch.Tensor:
    """In the reader: the tensor, in the slot's memory, which it leases while its storage lives."""
    count = torch.Size(shape).numel()
    flat = torch.frombuffer(_known[key].lease(number), dtype=dtype, count=count, offset=at)
    # No view, as what torch sends is none.
    return torch.empty(0, dtype=dtype).set_(flat.untyped_storage(), 0, shape, stride)


def lies_in_slot(tensor: torch.Tensor) -> bool:
    """In the reader: whether a worker will write there once nobody holds the tensor any more.

    User code is not to get such a one: a child that it forks would see the next batch in it.
    """
    if tensor.layout is not torch.strided or tensor.device.type != "cpu":
        return False
    return any(slots.holds(tensor.data_ptr()) for slots in tuple(_known.values()))


def slots_for(workers: int, ahead: int, size: int = SLOT_BYTES) -> list[Slots]:
    """For a loader with so many workers, each so many batches ahead; none where there is no room.

    To be called before they are forked.
    """
    try:
        return [Slots(min(ahead + _SPARE, _MAX_SLOTS), size) for _ in range(workers)]
    except OSError:
        return []


class _NumberPipe:
    """Numbers of slots on their way back: at most one byte for each slot, so nobody ever waits."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        for end in (self._read, self._write):
            weakref.finalize(self, os.close, end).atexit = False

    def read(self) -> bytes:
        try:
            return os.read(self._read, 4096)
        except BlockingIOError:
            return b""

    def write(self, number: int) -> None:
        os.write(self._write, bytes([number]))
