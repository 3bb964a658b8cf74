"""A shard is read before it is claimed."""

from collections.abc import Iterator

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.feed import PlainFeed
from batchprocess.sdk.input.reader import Reader
from batchprocess.sdk.input.shard_batches import Start

PLAN = ShardPlan(40, 4, 1)


class FakeBatches:
    """Batches that are their numbers, from wherever somebody begins to read."""

    def __init__(self) -> None:
        self.begun: list[int] = []

    def read(self, start: Start) -> Iterator[int]:
        self.begun.append(start.first)
        return iter(range(start.first, 10))

    def close(self) -> None:
        """Nothing is open."""

    skips = False


def test_a_reader_goes_on_where_it_began_or_begins_again_where_the_claim_says() -> None:
    for claimed, begun in ((3, [3]), (5, [3, 5])):
        batches = FakeBatches()
        with Reader(lambda start, b=batches: PlainFeed(b.read(start), start, b)) as reader:
            reader.start(Start(PLAN, 0, 3))
            assert reader.feed_from(Start(PLAN, 0, claimed)).next_batch() == claimed
        assert batches.begun == begun
