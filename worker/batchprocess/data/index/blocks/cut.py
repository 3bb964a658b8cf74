"""Objects one behind the other, cut into blocks of nearly equal size."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from batchprocess.data.index.line_index import BOM, Offsets
from batchprocess.protocol.inputs.blocks import BLOCK_BYTES, VOID_BYTES


class Piece(NamedTuple):
    """Bytes `start` to `stop` of the object of that number."""

    object: int
    start: int
    stop: int


class Blocks(Protocol):
    """Pieces of objects, by the number of a block."""

    @property
    def blocks(self) -> int:
        """How many there are."""

    @property
    def firsts(self) -> Offsets:
        """Of each block an object that is not behind its first one, ascending."""

    def size(self, number: int) -> int:
        """Bytes of a block's pieces."""

    def pieces(self, number: int) -> Iterator[Piece]:
        """Of a block, in order."""


class Cut:
    """`offsets`: where each object begins if all stand one behind the other, and where they end.

    Blocks are cut as if each object had `void` bytes more, so that none has too many objects. No
    object is cut inside of what may be a byte order mark.
    """

    def __init__(self, offsets: Offsets, size: int = BLOCK_BYTES, void: int = VOID_BYTES) -> None:
        self._offsets, self._size, self._void = _spread(offsets, void), size, void
        self.blocks = (int(self._offsets[-1]) + size - 1) // size

    def size(self, number: int) -> int:
        """Bytes of a block."""
        return self._bytes_before(number + 1) - self._bytes_before(number)

    @property
    def firsts(self) -> Offsets:
        """The object at each block's begin."""
        borders = np.arange(self.blocks, dtype=np.int64) * self._size
        return np.searchsorted(self._offsets, borders, "right").astype(np.int64) - 1

    def pieces(self, number: int) -> Iterator[Piece]:
        """Of a block; objects without bytes have none, for they have no lines."""
        at, end = self._border(number), self._border(number + 1)
        one = self._object(at)
        while at < end:
            first, last = int(self._offsets[one]), int(self._offsets[one + 1])
            stop = min(last - self._void, end)
            if stop > at:
                yield Piece(one, at - first, stop - first)
            at, one = last, one + 1

    def _bytes_before(self, number: int) -> int:
        at = self._border(number)
        one = self._object(at)
        if one == len(self._offsets) - 1:
            return at - one * self._void
        last = int(self._offsets[one + 1]) - self._void
        return min(at, last) - one * self._void

    def _border(self, number: int) -> int:
        at = min(number * self._size, int(self._offsets[-1]))
        if at == int(self._offsets[-1]):
            return at
        begin = int(self._offsets[self._object(at)])
        return begin if at - begin < len(BOM) else at

    def _object(self, at: int) -> int:
        return int(np.searchsorted(self._offsets, at, "right")) - 1


class WholeFiles:
    """Blocks of whole objects: those that begin in the same piece of the bytes of all."""

    def __init__(self, offsets: Offsets, size: int = BLOCK_BYTES, void: int = VOID_BYTES) -> None:
        begins = _spread(offsets, void)[:-1] // size
        self.firsts = np.flatnonzero(np.diff(begins, prepend=-1)).astype(np.int64)
        self.blocks = len(self.firsts)
        self._sizes, self._offsets = np.diff(offsets), offsets

    def size(self, number: int) -> int:
        """Bytes of a block."""
        first, end = self._objects(number)
        return int(self._offsets[end] - self._offsets[first])

    def pieces(self, number: int) -> Iterator[Piece]:
        """Of a block; those without bytes too, for most formats have no such files."""
        for one in range(*self._objects(number)):
            yield Piece(one, 0, int(self._sizes[one]))

    def _objects(self, number: int) -> tuple[int, int]:
        last = number + 1 == self.blocks
        end = len(self._sizes) if last else int(self.firsts[number + 1])
        return int(self.firsts[number]), end


def _spread(offsets: Offsets, void: int) -> Offsets:
    spread: Offsets = offsets + np.arange(len(offsets), dtype=np.int64) * void
    return spread
