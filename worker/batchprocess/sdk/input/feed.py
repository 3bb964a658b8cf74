"""Where the loop's batches come from: a data loader, read ahead and sent ahead."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from torch.utils.data import DataLoader

from batchprocess.sdk.input.named_rows import Batches
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.threaded_feed import ThreadedFeed


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
    source = Batches(iter(loader))
    ahead = prefetch()
    if ahead is None:
        return PlainFeed(source)
    if loader.num_workers == 0:
        # The dataset is read by the thread that has always read it: it may depend on that.
        return InlineFeed(source, ahead)
    return ThreadedFeed(source, len(loader), ahead)


class PlainFeed:
    """The loader's batches as they are."""

    def __init__(self, source: Iterator[Any]) -> None:
        self.next_batch: Callable[[], Any] = source.__next__

    def batch_done(self) -> None:
        """Nothing to learn."""

    def close(self) -> None:
        """Loader workers end with their iterator."""
        self.next_batch = iter(()).__next__


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
