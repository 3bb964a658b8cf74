"""Batches read by a thread, from a data loader with workers."""

import threading
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple

from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import BatchSource

_BATCHES_AHEAD = 2
_JOIN_SECONDS = 5.0
_END_WORKERS_SECONDS = 20.0
"""torch waits 5 s for each to end, and workers that have used a GPU may take that long."""


class _Read(NamedTuple):
    """A batch that was read, or what reading it raised; `start` is where that reading began."""

    start: Start
    batch: Any = None
    error: BaseException | None = None


class ThreadedFeed:
    """A thread reads from the loader's workers, pins and sends, two batches ahead.

    The loader is asked by this thread alone, so that it never reads for two at a time.
    """

    def __init__(
        self, source: Iterator[Any], start: Start, batches: BatchSource, prefetch: Prefetch
    ) -> None:
        self._prefetch, self._start, self._rereads = prefetch, start, batches.skips
        self._ready: SimpleQueue[_Read] = SimpleQueue()
        self._free_places: SimpleQueue[None] = SimpleQueue()
        self._decision: SimpleQueue[Start | None] = SimpleQueue()
        self._dropped = self._closed = self._only_ends = False
        for _ in range(_BATCHES_AHEAD):
            self._free_places.put(None)
        self._thread = threading.Thread(
            target=self._run, args=(source, start, batches), name="batchprocess-feed", daemon=True
        )
        # Only the thread keeps the iterator, so that its workers are ended there, after the last
        # batch, while the loop goes on.
        self._thread.start()

    def keep(self) -> None:
        """The thread may end after the last batch, unless rows may have to be read again."""
        if not self._rereads:
            self._decision.put(None)

    def restart(self, start: Start) -> None:
        """The thread lets the batch that it reads be the last, and begins anew."""
        self._start, self._dropped = start, True
        self._decision.put(start)

    def read_alone(self, batch: int, rows: Sequence[int], then: int | None = None) -> None:
        """The same, later."""
        self.restart(self._start.with_alone(batch, rows, then))

    def next_batch(self) -> Any:
        """The oldest batch of those ahead."""
        while True:
            read = self._ready.get()
            if read.error is None:
                self._free_places.put(None)
                # Those that are dropped too: the prefetch knows batches by their order.
                self._prefetch.begin_batch()
            if read.start is self._start:
                break
        if read.error is not None:
            raise read.error
        return read.batch

    def batch_done(self) -> None:
        """Learn what was asked for."""
        self._prefetch.end_batch()

    def close(self) -> None:
        """End the thread; one that waits for a slow dataset is left to the end of the process.

        Not one that ends workers: the interpreter's end would come upon it in code of torch, and
        abort the process.
        """
        self._closed = True
        self._free_places.put(None)
        self._decision.put(None)
        self._thread.join(_JOIN_SECONDS)
        if self._only_ends:
            self._thread.join(_END_WORKERS_SECONDS)

    def _run(self, source: Iterator[Any], start: Start, batches: BatchSource) -> None:
        opened = self._read_all(source, start, open_first=True)
        del source
        # Till somebody has decided: ended workers could not be given other batches.
        while (again := self._decision.get()) is not None:
            try:
                source = batches.read(again)
            except BaseException as error:  # noqa: BLE001  raised by next_batch
                self._ready.put(_Read(again, error=error))
            else:
                opened = self._read_all(source, again, open_first=not opened) or opened
                del source
            if not self._rereads:
                break
        self._only_ends = True
        batches.close()

    def _read_all(self, source: Iterator[Any], start: Start, *, open_first: bool) -> bool:
        """Whether the device got ready, after the shard's last batch or an end before it."""
        try:
            if open_first:
                self._prefetch.open()
                open_first = False
            for _ in range(len(start)):
                self._free_places.get()
                if self._closed:
                    break
                if self._dropped and start is not self._start:
                    self._free_places.put(None)
                    break
                self._ready.put(_Read(start, self._prefetch.stage(next(source))))
        except BaseException as error:  # noqa: BLE001  raised by next_batch
            self._ready.put(_Read(start, error=error))
        return not open_first
