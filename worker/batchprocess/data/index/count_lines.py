"""Counting the lines of many files side by side, and saying how far that is."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial

from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import LineCounter, Offsets
from batchprocess.runs.parallel import Threads

_LOG = logging.getLogger("batchprocess")
_PARALLEL, _CHUNK, _PIECE = 8, 8 << 20, 1 << 20
_SAY_SECONDS = 15.0


def count_lines(known: Sequence[KnownObject], *, skip_blank: bool) -> Iterator[tuple[int, Offsets]]:
    """Of each object, in order, rows and marks; see `LineCounter`."""
    said = Said(sum(one.object.size for one in known))
    with Threads(_PARALLEL) as threads:
        yield from threads.in_order(partial(_count, one, said, skip_blank) for one in known)


def _count(one: KnownObject, said: "Said", skip_blank: bool) -> tuple[int, Offsets]:
    counter = LineCounter(one.name, skip_blank)
    for start in range(0, one.object.size, _CHUNK):
        chunk = one.read(start, min(start + _CHUNK, one.object.size))
        for at in range(0, len(chunk), _PIECE):
            counter.feed(chunk[at : at + _PIECE])
        said.add(len(chunk))
    return counter.rows_and_marks()


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
