"""Where the loop's batches come from: a data loader, read ahead and sent ahead."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import BatchSource, ShardLoader
from batchprocess.sdk.input.threaded_feed import ThreadedFeed


class Feed(Protocol):
    """Batches in order. `next_batch` waits for one and raises what reading it raised."""

    def next_batch(self) -> Any:
        """The next batch, for user code."""

    def batch_done(self) -> None:
        """User code is done with the batch."""

    def read_alone(self, batch: int, rows: Sequence[int], then: int | None = None) -> None:
        """Next come `rows` of the shard's `batch`, each alone, and then the batches behind it.

        With `then` the batches from there on: those between are in work already. What was read
        ahead is dropped. Only of a loader that leaves bad rows out.
        """

    def close(self) -> None:
        """No more batches are wanted."""


class GuessedFeed(Feed, Protocol):
    """Reads from a guess on: either is called once, before the first batch is taken."""

    def keep(self) -> None:
        """The guess is right."""

    def restart(self, start: Start) -> None:
        """It is not: drop what was read, and read from `start` on, with the same workers."""


def open_feed(
    loader: ShardLoader, start: Start, prefetch: Callable[[], Prefetch | None]
) -> GuessedFeed:
    """Have the loader's workers read from `start` on, then call `prefetch`.

    `prefetch` gives None where batches stay on the CPU. It touches the GPU, so workers that are
    not running yet are started before.
    """
    source = loader.read(start)
    ahead = prefetch()
    if ahead is None:
        return PlainFeed(source, start, loader)
    if loader.workers == 0:
        # The dataset is read by the thread that has always read it: it may depend on that.
        return InlineFeed(source, start, loader, ahead)
    return ThreadedFeed(source, start, loader, ahead)


class PlainFeed:
    """The loader's batches as they are."""

    def __init__(self, source: Iterator[Any], start: Start, batches: BatchSource) -> None:
        self._start, self._batches = start, batches
        self.next_batch: Callable[[], Any] = source.__next__

    def keep(self) -> None:
        """Nothing to do."""

    def restart(self, start: Start) -> None:
        """Read from there."""
        self._start, self.next_batch = start, self._batches.read(start).__next__

    def read_alone(self, batch: int, rows: Sequence[int], then: int | None = None) -> None:
        """Read from there."""
        self.restart(self._start.with_alone(batch, rows, then))

    def batch_done(self) -> None:
        """Nothing to learn."""

    def close(self) -> None:
        """Loader workers end with their iterator."""
        self.next_batch = iter(()).__next__
        self._batches.close()


class InlineFeed:
    """Batches read by the loop thread; a copy runs beside the work that was queued before it."""

    def __init__(
        self, source: Iterator[Any], start: Start, batches: BatchSource, prefetch: Prefetch
    ) -> None:
        self._source, self._start, self._batches = source, start, batches
        self._prefetch = prefetch

    def keep(self) -> None:
        """Nothing to do."""

    def restart(self, start: Start) -> None:
        """Read from there; nothing was read ahead."""
        self._source, self._start = self._batches.read(start), start

    def read_alone(self, batch: int, rows: Sequence[int], then: int | None = None) -> None:
        """Read from there."""
        self.restart(self._start.with_alone(batch, rows, then))

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
