"""Counted nouns and durations."""

from batchprocess.cli.output import duration, plural


def test_nouns_are_counted() -> None:
    assert (plural(1, "shard"), plural(2, "shard")) == ("1 shard", "2 shards")
    assert plural(0, "batch", "batches") == "0 batches"


def test_durations_are_short() -> None:
    assert [duration(s) for s in (0.4, 99, 100, 5399, 9000)] == [
        *("0 s", "99 s", "2 min", "90 min", "2.5 h")
    ]
