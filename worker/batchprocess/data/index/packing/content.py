"""What rows stand in: an object's bytes, unpacked where its suffix says that they are packed."""

from collections.abc import Iterator

import numpy as np

from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.packing.decoders import packing_of
from batchprocess.data.index.packing.unpacked import Packed, Point, Unpacked, together

_CHUNK, _PIECE = 8 << 20, 1 << 20


class Content:
    """Iterates over it, once, in pieces of some MiB; then `size` and `points` are known."""

    def __init__(self, one: KnownObject, chunk: int = 0) -> None:
        self._one, self._chunk = one, chunk or _CHUNK
        self._kind = packing_of(one.object.key)
        self.size = 0
        self.points: list[Point] = []
        """Where members of a packed object begin."""

    def __iter__(self) -> Iterator[bytes]:
        if self._kind is None:
            for start in range(0, self._one.object.size, self._chunk):
                yield self._one.read(start, min(start + self._chunk, self._one.object.size))
            self.size = self._one.object.size
            return
        stream = self._stream()
        yield from together(iter(stream), _PIECE)
        self.size, self.points = stream.at, stream.points

    def head(self, end: int) -> bytes:
        """Its first bytes; all if there are fewer."""
        if self._kind is None:
            return self._one.read(0, min(end, self._one.object.size))
        found = bytearray()
        for piece in self._stream():
            found += piece
            if len(found) >= end:
                break
        return bytes(found[:end])

    def with_end(self, rows: int, marks: Offsets) -> Offsets:
        """The marks, of a packed object with one more: where it ends, as no size says it."""
        if self._kind is None:
            return marks
        return np.concatenate((marks, np.array([[rows, self.size]], np.int64)))

    def _stream(self) -> Unpacked:
        file = Packed(self._one.name, self._kind or "", self._one.object.size, self._one.read)
        return Unpacked(file, Point())
