"""Objects one behind the other, cut into blocks of nearly equal size."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from batchprocess.data.index.line_index import BOM, Offsets
from batchprocess.protocol.inputs.blocks import BLOCK_BYTES


class Piece(NamedTuple):
    """Bytes `start` to `stop` of the object of that number."""

    object: int
    start: int
    stop: int


class Cut:
    """`offsets`: where each object begins if all stand one behind the other, and where they end.

    No object is cut inside of what may be a byte order mark.
    """

    def __init__(self, offsets: Offsets, size: int = BLOCK_BYTES) -> None:
        self._offsets, self._size = offsets, size
        self.blocks = (int(offsets[-1]) + size - 1) // size

    def size(self, number: int) -> int:
        """Bytes of a block."""
        return self._border(number + 1) - self._border(number)

    def pieces(self, number: int) -> Iterator[Piece]:
        """Of a block, in order; objects without bytes have none."""
        at, end = self._border(number), self._border(number + 1)
        one = self._object(at)
        while at < end:
            first, last = int(self._offsets[one]), int(self._offsets[one + 1])
            stop = min(last, end)
            if stop > at:
                yield Piece(one, at - first, stop - first)
            at, one = stop, one + 1

    def _border(self, number: int) -> int:
        at = min(number * self._size, int(self._offsets[-1]))
        if at == int(self._offsets[-1]):
            return at
        begin = int(self._offsets[self._object(at)])
        return begin if at - begin < len(BOM) else at

    def _object(self, at: int) -> int:
        return int(np.searchsorted(self._offsets, at, "right")) - 1
