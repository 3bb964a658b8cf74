"""Batches that no loader reads come in their turn, and rows alone before them."""

from collections.abc import Sequence

from batchprocess.protocol.rows.dataset_rows import DatasetRows
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.gaps.feed_with_gaps import NO_ROWS, FeedWithGaps
from batchprocess.sdk.input.shard_batches import Start


class FakeFeed:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.given = self.done = 0
        self.alone: list[tuple[int, list[int]]] = []

    def next_batch(self) -> int:
        self.given += 1
        return self.given

    def batch_done(self) -> None:
        self.done += 1

    def read_alone(self, batch: int, rows: Sequence[int], then: int | None = None) -> None:
        self.alone.append((batch, list(rows)))

    def close(self) -> None:
        pass


def test_the_feed_is_not_asked_for_batches_of_which_nothing_is_left() -> None:
    rows = DatasetRows(None, frozenset({0, 1, 4, 6, 7}))
    start = Start(ShardPlan(10, 2, 1), 0, 0, rows=rows)
    feed = FeedWithGaps(fake := FakeFeed(), start)
    found = []
    for _ in range(5):
        found.append(feed.next_batch())
        feed.batch_done()
    assert found == [NO_ROWS, 1, 2, NO_ROWS, 3]
    assert (fake.given, fake.done) == (3, 3)


def test_rows_of_a_batch_that_are_read_alone_come_before_the_gap_behind_it() -> None:
    rows = DatasetRows(None, frozenset({4, 5}))
    feed = FeedWithGaps(fake := FakeFeed(), Start(ShardPlan(8, 2, 1), 0, 1, rows=rows))
    assert feed.next_batch() == 1
    feed.read_alone(1, [2, 3])
    assert [feed.next_batch() for _ in range(4)] == [2, 3, NO_ROWS, 4]
    assert fake.alone == [(1, [2, 3])]
