"""A feed that has batches without rows where the loader has none."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from batchprocess.sdk.input.shard_batches import Start

NO_ROWS: Final = object()
"""In place of a batch of which all rows are left out."""


class _Feed(Protocol):
    def next_batch(self) -> Any: ...

    def batch_done(self) -> None: ...

    def read_alone(self, batch: int, rows: Sequence[int], then: int | None = None) -> None: ...

    def close(self) -> None: ...


class FeedWithGaps:
    """Gives NO_ROWS for each of `start.empty`, and does not ask the feed then."""

    def __init__(self, feed: _Feed, start: Start) -> None:
        self._feed, self._empty = feed, start.empty
        self._next, self._alone, self._in_gap = start.first, 0, False
        self.close = feed.close

    def next_batch(self) -> Any:
        """The next one."""
        if self._alone:
            self._alone -= 1
            return self._feed.next_batch()
        self._in_gap = self._next in self._empty
        self._next += 1
        return NO_ROWS if self._in_gap else self._feed.next_batch()

    def batch_done(self) -> None:
        """The feed knows only of what it has given."""
        if not self._in_gap:
            self._feed.batch_done()

    def read_alone(self, batch: int, rows: Sequence[int], then: int | None = None) -> None:
        """Next come `rows` of the shard's `batch`, each alone, and then the batches behind it.

        With `then` the batches from there on.
        """
        self._next, self._alone = batch + 1 if then is None else then, len(rows)
        self._feed.read_alone(batch, rows, then)
