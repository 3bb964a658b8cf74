"""Reading a shard before it is claimed."""

from collections.abc import Callable
from typing import Self

from batchprocess.sdk.input.feed import Feed, PlainFeed


class Reader:
    """Reads ahead of the claim, from the cursor that was seen, and again if that was wrong."""

    def __init__(self, open_at: Callable[[int], Feed]) -> None:
        self._open_at = open_at
        self._feed: Feed = PlainFeed(iter(()))
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
            # Another attempt committed between our reading of the ledger and our claim.
            self._feed.close()
            self.start(cursor)
        return self._feed
