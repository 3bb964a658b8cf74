"""A shard is read before it is claimed."""

from batchprocess.sdk.input.feed import PlainFeed
from batchprocess.sdk.input.reader import Reader


def test_a_reader_starts_again_where_the_claim_says() -> None:
    opened = []

    def open_at(cursor):
        opened.append(cursor)
        return PlainFeed(iter([cursor]))

    with Reader(open_at) as reader:
        reader.start(3)
        assert reader.feed_from(3).next_batch() == 3
        assert reader.feed_from(5).next_batch() == 5
    assert opened == [3, 5]
