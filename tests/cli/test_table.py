"""Words around numbers."""

from batchprocess.cli.table import plural


def test_nouns_are_counted() -> None:
    assert (plural(1, "shard"), plural(2, "shard")) == ("1 shard", "2 shards")
    assert plural(0, "batch", "batches") == "0 batches"
