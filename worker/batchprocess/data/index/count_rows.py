"""Counting the rows of many files block by block, with the other attempts of the run."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from batchprocess.data.index.blocks.count import Known
from batchprocess.data.index.blocks.cut import Blocks
from batchprocess.data.index.blocks.kept import Counted, Kept
from batchprocess.data.index.blocks.shared import SharedBlocks
from batchprocess.data.index.folder import keep_part
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.progress import Progress
from batchprocess.protocol.inputs.blocks import BlockCount

_LOG = logging.getLogger("batchprocess")
_SAY_SECONDS = 15.0


class BlockCounter(Protocol):
    """Counts one block at a time in each thread."""

    def count(self, number: int, known: Known) -> Counted:
        """Raises InvalidArgument for input that cannot be counted."""


class Sharing(NamedTuple):
    """How an attempt shares counting with others.

    It begins at the part `share` of the input, from 0 to 1, and counts `lanes` blocks at a time.
    """

    kept: Kept
    share: float
    lanes: int


class Counting(NamedTuple):
    """What an attempt counts. told: an object by number, that says how many bytes were read."""

    cut: Blocks
    counter: BlockCounter
    told: Callable[[int, Callable[[int], None]], KnownObject]


def count_rows(
    counting: Counting, sharing: Sharing, folder: Path, progress: Progress
) -> list[BlockCount]:
    """What is counted of all blocks; parts of those that are counted here are put into `folder`."""
    blocks = counting.cut.blocks
    work = _Work(counting, folder, Said(progress))
    shared = SharedBlocks(blocks, sharing.kept, work, lanes=sharing.lanes)
    return shared.all_counts(int(sharing.share * blocks))


class _Work:
    def __init__(self, counting: Counting, folder: Path, said: "Said") -> None:
        self._counting, self._folder, self._said = counting, folder, said

    def count(self, number: int, alive: Callable[[], None]) -> Counted:
        def on_read(size: int) -> None:
            self._said.add(size)
            alive()

        told = self._counting.told
        return self._counting.counter.count(number, lambda one: told(one, on_read))

    def store(self, number: int, part: bytes) -> None:
        keep_part(self._folder, number, part)

    def found(self, number: int) -> None:
        self._said.add(self._counting.cut.size(number))

    def waiting(self) -> None:
        self._said.add(0)


class Said:
    """Says how far the counting is, now and then."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._done, self._said = progress, 0, time.monotonic()
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        """So many bytes more."""
        self._progress.add(size)
        with self._lock:
            self._done += size
            if time.monotonic() - self._said < _SAY_SECONDS:
                return
            self._said = time.monotonic()
        done, total = self._done / 1e9, self._progress.total / 1e9
        _LOG.info("counting rows: %.1f of %.1f GB (%.0f %%)", done, total, 100 * done / total)
