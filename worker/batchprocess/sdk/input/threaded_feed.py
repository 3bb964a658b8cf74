"""Batches read by a thread, from a data loader with workers."""

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

from batchprocess.sdk.input.prefetch import Prefetch

_BATCHES_AHEAD = 2
_JOIN_SECONDS = 5.0


class _Failed:
    """Stands in for a batch that could not be read."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class ThreadedFeed:
    """A thread reads from the loader's workers, pins and sends, two batches ahead."""

    def __init__(self, source: Iterator[Any], count: int, prefetch: Prefetch) -> None:
        self._prefetch = prefetch
        self._ready: SimpleQueue[Any] = SimpleQueue()
        self._free_places: SimpleQueue[None] = SimpleQueue()
        self._closed = False
        for _ in range(_BATCHES_AHEAD):
            self._free_places.put(None)
        self._thread = threading.Thread(
            target=self._read, args=(source, count), name="batchprocess-feed", daemon=True
        )
        # Only the thread keeps the iterator, so that its workers are ended there, after the last
        # batch, while the loop goes on.
        self._thread.start()

    def next_batch(self) -> Any:
        """The oldest batch of those ahead."""
        batch = self._ready.get()
        if isinstance(batch, _Failed):
            raise batch.error
        self._free_places.put(None)
        self._prefetch.begin_batch()
        return batch

    def batch_done(self) -> None:
        """Learn what was asked for."""
        self._prefetch.end_batch()

    def close(self) -> None:
        """End the thread; one that waits for a slow dataset is left to the end of the process."""
        self._closed = True
        self._free_places.put(None)
        self._thread.join(_JOIN_SECONDS)

    def _read(self, source: Iterator[Any], count: int) -> None:
        try:
            self._prefetch.open()
            for _ in range(count):
                self._free_places.get()
                if self._closed:
                    return
                self._ready.put(self._prefetch.stage(next(source)))
        except BaseException as error:  # noqa: BLE001  raised by next_batch
            self._ready.put(_Failed(error))
