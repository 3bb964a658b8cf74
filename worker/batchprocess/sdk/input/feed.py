"""Where the loop's batches come from: a data loader, read ahead and sent ahead."""

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, Protocol, Self

from torch.utils.data import DataLoader

from batchprocess.sdk.input.prefetch import Prefetch

_AHEAD = 2
_PATIENCE_SECONDS = 5.0


class Feed(Protocol):
    """Batches in order. `next_batch` waits for one and raises what reading it raised."""

    def next_batch(self) -> Any:
        """The next batch, for user code."""

    def batch_done(self) -> None:
        """User code is done with the batch."""

    def close(self) -> None:
        """No more batches are wanted."""


def open_feed(loader: DataLoader[Any], prefetch: Callable[[], Prefetch | None]) -> Feed:
    """Start the loader's workers, then call `prefetch`: None where batches stay on the CPU.

    Workers are forked, so this comes before other threads and before the GPU is touched.
    """
    source = iter(loader)
    ahead = prefetch()
    if ahead is None:
        return PlainFeed(source)
    if loader.num_workers == 0:
        # The dataset is read by the thread that has always read it: it may depend on that.
        return InlineFeed(source, ahead)
    return ThreadedFeed(source, len(loader), ahead)


class Reader:
    """Reads ahead of the claim, from the cursor that was seen, and again if that was wrong."""

    def __init__(self, open_at: Callable[[int], Feed]) -> None:
        self._open_at = open_at
        self._feed: Feed = _NO_FEED
        self._cursor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._feed.close()

    def start(self, cursor: int) -> None:
        """Begin reading at batch `cursor`; nothing is processed by this."""
        self._feed, self._cursor = self._open_at(cursor), cursor

    def feed_from(self, cursor: int) -> Feed:
        """The batches from `cursor` on."""
        if cursor != self._cursor:
            # Another attempt committed between our look and our claim.
            self._feed.close()
            self.start(cursor)
        return self._feed


class PlainFeed:
    """The loader's batches as they are."""

    def __init__(self, source: Iterator[Any]) -> None:
        self.next_batch: Callable[[], Any] = source.__next__

    def batch_done(self) -> None:
        """Nothing to learn."""

    def close(self) -> None:
        """Loader workers end with their iterator."""
        self.next_batch = iter(()).__next__


_NO_FEED = PlainFeed(iter(()))


class InlineFeed:
    """Batches read by the loop thread; a copy runs beside the work that was queued before it."""

    def __init__(self, source: Iterator[Any], prefetch: Prefetch) -> None:
        self._source = source
        self._prefetch = prefetch

    def next_batch(self) -> Any:
        """Read, pin, send."""
        batch = self._prefetch.stage(next(self._source))
        self._prefetch.begin_batch()
        return batch

    def batch_done(self) -> None:
        """Learn what was asked for."""
        self._prefetch.end_batch()

    def close(self) -> None:
        """Nothing is under way between two calls."""


class _Failed:
    """Stands in for a batch that could not be read."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class ThreadedFeed:
    """A thread reads from the loader's workers, pins and sends, two batches ahead."""

    def __init__(self, source: Iterator[Any], count: int, prefetch: Prefetch) -> None:
        self._prefetch = prefetch
        self._ready: SimpleQueue[Any] = SimpleQueue()
        self._places: SimpleQueue[None] = SimpleQueue()
        self._closed = False
        for _ in range(_AHEAD):
            self._places.put(None)
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
        self._places.put(None)
        self._prefetch.begin_batch()
        return batch

    def batch_done(self) -> None:
        """Learn what was asked for."""
        self._prefetch.end_batch()

    def close(self) -> None:
        """End the thread; one that waits for a slow dataset is left to the end of the process."""
        self._closed = True
        self._places.put(None)
        self._thread.join(_PATIENCE_SECONDS)

    def _read(self, source: Iterator[Any], count: int) -> None:
        try:
            self._prefetch.open()
            for _ in range(count):
                self._places.get()
                if self._closed:
                    return
                self._ready.put(self._prefetch.stage(next(source)))
        except BaseException as error:  # noqa: BLE001  raised where the batch is taken
            self._ready.put(_Failed(error))
