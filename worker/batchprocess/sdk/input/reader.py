"""Reading a shard before it is claimed."""

from collections.abc import Callable
from typing import Self

from batchprocess.sdk.input.feed import Feed, GuessedFeed
from batchprocess.sdk.input.shard_batches import Start


class Reader:
    """Reads ahead of the claim, from the cursor that was seen, and again if that was wrong."""

    def __init__(self, open_at: Callable[[Start], GuessedFeed]) -> None:
        self._open_at = open_at
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
        return feed
