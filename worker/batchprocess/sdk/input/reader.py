"""Reading a shard before it is claimed."""

from collections.abc import Callable
from typing import Any, Self

from batchprocess.sdk.input.feed import Feed, GuessedFeed
from batchprocess.sdk.input.gaps.feed_with_gaps import FeedWithGaps
from batchprocess.sdk.input.ids.identified_rows import Know
from batchprocess.sdk.input.shard_batches import Start


class Reader:
    """Reads ahead of the claim, from the cursor that was seen, and again if that was wrong."""

    def __init__(self, open_at: Callable[[Start], GuessedFeed], know: Know | None = None) -> None:
        """know: told the ids of each batch, where the loader reads them."""
        self._open_at, self._know = open_at, know
        self._begun: tuple[GuessedFeed, Start] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._begun is not None:
            self._begun[0].close()

    def start(self, start: Start) -> tuple[GuessedFeed, Start]:
        """Begin reading there; nothing is processed by this."""
        self._begun = self._open_at(start), start
        return self._begun

    def feed_from(self, start: Start) -> Feed:
        """The batches from there on; called once.

        They are others than those begun with if another attempt committed between our reading of
        the ledger and our claim, or began the run with other seeds than ours.
        """
        feed, begun = self._begun or self.start(start)
        if start == begun:
            feed.keep()
        else:
            feed.restart(start)
        read = feed if self._know is None else IdentifyingFeed(feed, self._know)
        return FeedWithGaps(read, start) if start.empty else read


class IdentifyingFeed:
    """Tells the ids, and hands the batch on without them."""

    def __init__(self, feed: Feed, know: Know) -> None:
        self._feed, self._know = feed, know
        self.batch_done, self.close = feed.batch_done, feed.close
        self.read_alone = feed.read_alone

    def next_batch(self) -> Any:
        """The next one."""
        read = self._feed.next_batch()
        self._know(read.rows, read.ids)
        return read.batch
