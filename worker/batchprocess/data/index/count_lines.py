"""Counting the lines of many files block by block, with the other attempts of the run."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from batchprocess.data.index.blocks.count import BlockCounter
from batchprocess.data.index.blocks.cut import Cut
from batchprocess.data.index.blocks.kept import Kept
from batchprocess.data.index.blocks.line_counts import NO_MARKS, Joined
from batchprocess.data.index.blocks.part import decode, encode
from batchprocess.data.index.blocks.shared import SharedBlocks
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.protocol.errors import VerificationError
from batchprocess.runs.parallel import Threads

_LOG = logging.getLogger("batchprocess")
_PARALLEL = 8
_SAY_SECONDS = 15.0


def count_lines(
    offsets: Offsets,
    known: Callable[[int], KnownObject],
    kept: Kept,
    share: float,
    found: Callable[[int], None],
    *,
    skip_blank: bool,
) -> Iterator[tuple[int, Offsets]]:
    """Of each object, in order, its rows, and marks of them: number and where it begins.

    offsets: as of `Cut`. share: at which part of the bytes this attempt begins, from 0 to 1. found:
    is told of bytes that others have counted.
    """
    cut, said = Cut(offsets), Said(int(offsets[-1]))

    def found_block(number: int) -> None:
        found(cut.size(number))
        said.add(cut.size(number))

    with Threads(_PARALLEL) as threads:
        counter = BlockCounter(cut, known, threads, said.add, skip_blank=skip_blank)
        shared = SharedBlocks(
            cut.blocks,
            kept,
            lambda number: encode(counter.count(number)),
            found_block,
        )
        parts = shared.all_parts(int(share * cut.blocks))
    yield from _joined(cut, parts, known, len(offsets) - 1, skip_blank=skip_blank)


def _joined(
    cut: Cut,
    parts: Sequence[bytes],
    known: Callable[[int], KnownObject],
    objects: int,
    *,
    skip_blank: bool,
) -> Iterator[tuple[int, Offsets]]:
    at, joined = 0, None
    for number, part in enumerate(parts):
        pieces, counts = list(cut.pieces(number)), decode(part, f"the part of block {number}")
        if len(pieces) != len(counts):
            raise VerificationError(
                f"the part of block {number} has {len(counts)} pieces, not {len(pieces)}: it is of "
                "another input"
            )
        for piece, count in zip(pieces, counts, strict=True):
            while at < piece.object:
                yield (0, NO_MARKS) if joined is None else joined.whole()
                at, joined = at + 1, None
            joined = joined or Joined(known(at).name, skip_blank=skip_blank)
            joined.add(count)
    for _ in range(at, objects):
        yield (0, NO_MARKS) if joined is None else joined.whole()
        joined = None


class Said:
    """Says how far the counting is, now and then."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._said = total, 0, time.monotonic()
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        """So many bytes more."""
        with self._lock:
            self._done += size
            if time.monotonic() - self._said < _SAY_SECONDS:
                return
            self._said = time.monotonic()
        done, total = self._done / 1e9, self._total / 1e9
        _LOG.info("counting rows: %.1f of %.1f GB (%.0f %%)", done, total, 100 * done / total)
