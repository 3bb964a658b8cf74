"""A packed file's bytes in their order, from its begin or from where a member begins."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from batchprocess.data.index.packing.decoders import Decoder, NotPacked, decoders
from batchprocess.protocol.errors import InvalidArgument

_CHUNK = 1 << 20
_POINT_BYTES = 1 << 20


class Packed(NamedTuple):
    """A packed file: `read(start, stop)` gives its bytes as they are."""

    name: str
    kind: str
    size: int
    read: Callable[[int, int], bytes]


class Point(NamedTuple):
    """Where a member or frame begins, in the file and in what it becomes."""

    packed: int = 0
    unpacked: int = 0


class Unpacked:
    """Iterates over what a file becomes, from a point on, and notes where members begin.

    Several members or frames, one behind the other, are one file; zeros may follow gzip's. Raises
    InvalidArgument for a file that is cut off, damaged, or has something else at its end.
    """

    def __init__(self, file: Packed, start: Point) -> None:
        self._file = file
        self._begin = start.packed
        self._new = decoders(file.kind)
        self._decoder: Decoder | None = None
        self.at = start.unpacked
        """Offset, in what the file becomes, of what comes next."""
        self.points: list[Point] = []
        """Where members begin, at most one in each MiB."""

    def __iter__(self) -> Iterator[bytes]:
        for start in range(self._begin, self._file.size, _CHUNK):
            end = min(start + _CHUNK, self._file.size)
            yield from self._unpacked(self._file.read(start, end), end)
        if self._decoder is not None or not self._file.size:
            self._refuse("is cut off")

    def _unpacked(self, packed: bytes, end: int) -> Iterator[bytes]:
        left: bytes | None = packed
        while left:
            if self._decoder is None:
                left = self._without_padding(left, end)
                if not left:
                    return
                self._begin_member(end - len(left))
            try:
                for piece in self._decoder.decode(left):  # type: ignore[union-attr]
                    self.at += len(piece)
                    if piece:
                        yield piece
            except NotPacked as error:
                self._refuse(f"is no {self._file.kind}, or damaged ({error})")
            left = self._decoder.rest  # type: ignore[union-attr]
            if left is not None:
                self._decoder = None

    def _without_padding(self, packed: bytes, end: int) -> bytes:
        """Tapes and some programs fill up with zeros."""
        is_first = end - len(packed) == 0
        return packed if is_first or self._file.kind != "gzip" else packed.lstrip(b"\0")

    def _begin_member(self, at: int) -> None:
        self._decoder = self._new()
        last = self.points[-1].unpacked if self.points else -_POINT_BYTES
        if self.at - last >= _POINT_BYTES:
            self.points.append(Point(at, self.at))

    def _refuse(self, what: str) -> None:
        raise InvalidArgument(
            f"{self._file.name} {what}, behind {self.at:,} unpacked bytes: pack it again, or leave "
            "it out"
        )


def together(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of at least `size`, but for the last."""
    some, length = [], 0
    for piece in pieces:
        some.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(some)
            some, length = [], 0
    if some:
        yield b"".join(some)
