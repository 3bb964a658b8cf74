"""Queues between us and the loader's workers, made for small batches.

multiprocessing hands what is put to a thread, and torch hands tensors over as file descriptors,
each by a connection of its own: most of a millisecond a batch. Here small messages are written at
once, small tensors travel in them, and large ones in slots, if the loader has been given some.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from multiprocessing.reduction import ForkingPickler
from typing import Any

from torch.utils.data import get_worker_info

from batchprocess.sdk.input.queues.batch_messages import Packed, pack, unpack
from batchprocess.sdk.input.queues.multiprocessing_private import (
    ForkContext,
    KilledProcess,
    OpenQueue,
)
from batchprocess.sdk.input.queues.shared_slots import Slots

_MAX_DIRECT_BYTES = 4096
_MAX_UNREAD_BYTES = 16 << 10
"""A pipe holds 64 KiB, or half of that in messages of half a page: nobody is to wait for a worker
that is gone."""


class DirectQueue(OpenQueue):
    """Messages in the order of `put`; what is got equals what was put, sharing of memory too."""

    _slots: Sequence[Slots] = ()

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """As documented for multiprocessing."""
        if not self.is_in_maker():
            # A worker's batches may be large: its thread writes them.
            super().put(pack(obj, self.own_slots()), block, timeout)
            return
        message = ForkingPickler.dumps(obj)
        # Once there is a thread, it has all messages: they must not overtake each other.
        if self.has_thread() or len(message) > _MAX_DIRECT_BYTES or self._is_filling():
            super().put(obj, block, timeout)
        else:
            self.write(message, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As documented for multiprocessing."""
        got = super().get(block, timeout)
        return unpack(got) if type(got) is Packed else got

    def _is_filling(self) -> bool:
        return self.unread_bytes() > _MAX_UNREAD_BYTES

    def own_slots(self) -> Slots | None:
        """In a worker: its own, if the loader has any."""
        worker = get_worker_info()
        return self._slots[worker.id] if worker is not None and self._slots else None


class ForkingContext(ForkContext):
    """multiprocessing's way of forking, with these queues.

    `slots` makes some for each worker; called with the first queue, which is before any is forked.
    """

    Process = KilledProcess

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
