"""Counting one block: its bytes are read side by side, and counted where they come in."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby

from batchprocess.data.index.blocks.cut import Cut, Piece
from batchprocess.data.index.blocks.line_counts import Joined, LineCount, count_pieces
from batchprocess.data.index.known_object import KnownObject
from batchprocess.runs.parallel import Threads

_CHUNK = 8 << 20


class BlockCounter:
    """Counts blocks of lines. `read_bytes` is told of all that was read, as it comes in."""

    def __init__(
        self,
        cut: Cut,
        known: Callable[[int], KnownObject],
        threads: Threads,
        read_bytes: Callable[[int], None],
        *,
        skip_blank: bool,
    ) -> None:
        self._cut, self._known, self._threads = cut, known, threads
        self._read_bytes, self._skip_blank = read_bytes, skip_blank

    def count(self, number: int) -> list[LineCount]:
        """Of each piece of the block."""
        chunks = list(self._chunks(number))
        counts = self._threads.in_order(partial(self._count, one) for one in chunks)
        found = []
        for at, group in groupby(zip(chunks, counts, strict=True), lambda pair: pair[0].object):
            joined = Joined(self._known(at).name, skip_blank=self._skip_blank)
            for _, one in group:
                joined.add(one)
            found.append(joined.count())
        return found

    def _chunks(self, number: int) -> Iterator[Piece]:
        for piece in self._cut.pieces(number):
            for start in range(piece.start, piece.stop, _CHUNK):
                yield Piece(piece.object, start, min(start + _CHUNK, piece.stop))

    def _count(self, chunk: Piece) -> LineCount:
        content = self._known(chunk.object).read(chunk.start, chunk.stop)
        self._read_bytes(len(content))
        joined = Joined(self._known(chunk.object).name, skip_blank=self._skip_blank)
        for piece in count_pieces(content, chunk.start, skip_blank=self._skip_blank):
            joined.add(piece)
        return joined.count()
