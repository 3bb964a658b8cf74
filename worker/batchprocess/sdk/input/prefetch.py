"""Batches on their way to the device before they are asked for (docs/loop.md).

User code gets its batch on the CPU, as always; `to_device` of a tensor in it hands out a copy that
was started earlier, if it is still a copy of what the tensor holds. Pure but for the `Port`.
"""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch

from batchprocess.sdk.device.torch_private import version_of
from batchprocess.sdk.input.batch_tensors import is_plain, replaced, share_memory, tensors_in
from batchprocess.sdk.input.port import Port

_LOG = logging.getLogger("batchprocess")


@dataclass
class _Leaf:
    tensor: torch.Tensor
    position: int
    sent: Any = None
    version: int = 0
    address: int = 0

    def is_as_sent(self) -> bool:
        """Whether nothing that torch can see has changed the tensor since it was sent.

        Every in-place operation moves the version, also one on a view. Whoever writes through
        numpy cannot be seen, but that numpy was let in can: it makes the storage unresizable.
        Assigning to `.data` moves nothing but the address.
        """
        tensor = self.tensor
        unchanged = version_of(tensor) == self.version and tensor.data_ptr() == self.address
        return unchanged and not tensor.requires_grad and tensor.untyped_storage().resizable()


class Prefetch:
    """`stage` is called by the feed, the rest by the loop thread and the user's code in it.

    A tensor is known by its position in the batch. Sent ahead are the positions that the batch
    before was asked for; all of them before the first was, and always with `everything`.
    """

    def __init__(self, port: Port, *, everything: bool = False) -> None:
        self._port = port
        self._everything = everything
        self._wanted: frozenset[int] | None = None
        self._asked: set[int] = set()
        self._current: dict[int, _Leaf] = {}
        self._full = self._unpinned = False
        self._staged: deque[dict[int, _Leaf]] = deque()

    def open(self) -> None:
        """Get the device ready; seconds of work that fit beside the building of a model."""
        self._port.open()

    def stage(self, batch: Any) -> Any:
        """Pin and send what will be asked for; returns the batch for user code."""
        found = list(tensors_in(batch))
        leaves = [_Leaf(tensor, position) for position, tensor in enumerate(found)]
        ahead = self._ahead(found)
        made: dict[int, torch.Tensor] = {}
        for leaf, tensor in zip(leaves, found, strict=True):
            if id(tensor) not in made:
                made[id(tensor)] = self._place(leaf, ahead=leaf.position in ahead)
            leaf.tensor = made[id(tensor)]
        changed = {key: tensor for key, tensor in made.items() if id(tensor) != key}
        if changed:
            batch = replaced(batch, changed)
        self._staged.append({id(leaf.tensor): leaf for leaf in leaves})
        return batch

    def begin_batch(self) -> None:
        """User code is about to get the oldest batch that was staged."""
        self._current, self._asked = self._staged.popleft(), set()

    def end_batch(self) -> None:
        """User code is done with the batch; what it asked for will be sent ahead."""
        if self._current:
            self._wanted = frozenset(self._asked)
        self._current = {}

    def device_copy(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """The copy of a tensor of the current batch, once; None if it has to be copied now."""
        leaf = self._current.get(id(tensor))
        if leaf is None:
            return None
        self._asked.add(leaf.position)
        sent, leaf.sent = leaf.sent, None
        if sent is None or not leaf.is_as_sent():
            return None
        return self._port.receive(sent)

    def release_memory(self) -> None:
        """The model needs the memory more: drop what was sent, and send no more."""
        self._full = True
        for leaves in (self._current, *tuple(self._staged)):
            for leaf in tuple(leaves.values()):
                leaf.sent = None

    def _ahead(self, found: list[torch.Tensor]) -> set[int]:
        """Positions of what is to be pinned and sent."""
        if self._unpinned:
            return set()
        known = None if self._everything else self._wanted
        wanted = range(len(found)) if known is None else known
        chosen = {p for p in wanted if p < len(found) and is_plain(found[p])}
        size = sum(found[position].nbytes for position in chosen)
        if chosen and (share_memory(found) or not self._port.has_room(size)):
            return set()
        return chosen

    def _place(self, leaf: _Leaf, *, ahead: bool) -> torch.Tensor:
        if not ahead or self._unpinned:
            return self._port.out_of_slot(leaf.tensor)
        try:
            leaf.tensor = self._port.pin(leaf.tensor)
        except RuntimeError as error:
            self._unpinned = True
            _LOG.warning("no memory could be page-locked, so batches are copied late: %s", error)
            return self._port.out_of_slot(leaf.tensor)
        self._send(leaf)
        return leaf.tensor

    def _send(self, leaf: _Leaf) -> None:
        leaf.version, leaf.address = version_of(leaf.tensor), leaf.tensor.data_ptr()
        if self._full:
            return
        try:
            leaf.sent = self._port.send(leaf.tensor)
        except torch.OutOfMemoryError:
            self._full = True
            _LOG.warning(
                "no GPU memory for batches ahead of the one in work: each is copied when it is "
                "asked for from now on; a smaller batchSize would let copies overlap again"
            )
