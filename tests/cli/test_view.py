"""What a person sees of a run."""

import io
from itertools import count

import pytest
from rich.console import Console

from batchprocess.agent.local import RunProgress
from batchprocess.cli.view import BarView, LineView, Rate, counts, open_view
from batchprocess.protocol.progress import ShardProgress


def shard(number: int, processed: int, total: int = 10, rows: int = 0) -> ShardProgress:
    sealed = processed == total
    return ShardProgress(
        shard=number, seq=1, cursor=0, total=total, processed=processed, rows=rows, sealed=sealed
    )


def test_shards_not_heard_of_are_taken_to_be_as_long_as_the_others() -> None:
    found = counts(RunProgress((shard(0, 10), shard(1, 4, 9)), shards_total=4, failed=0))
    assert (found.done, found.total, found.estimated, found.sealed) == (14, 38, True, 1)
    known = counts(RunProgress((shard(0, 10), shard(1, 4, 9)), shards_total=2, failed=0))
    assert (known.total, known.estimated) == (19, False)


def test_a_rate_is_of_the_last_half_minute() -> None:
    clock = count(0, 10)
    rate = Rate(lambda: next(clock))
    assert [rate.take(rows) for rows in (0, 100, 200, 300, 300, 300, 300)] == pytest.approx(
        [0, 10, 10, 10, 20 / 3, 10 / 3, 0]
    )


def test_lines_come_every_five_seconds_and_only_when_something_changed() -> None:
    stream, now = io.StringIO(), [0.0]
    view = LineView(stream, lambda: now[0])
    for seconds, progress in [
        (0, RunProgress((), 2, 0)),
        (1, RunProgress((shard(0, 1, rows=4),), 2, 0)),
        (5, RunProgress((shard(0, 5, rows=20),), 2, 0)),
        (10, RunProgress((shard(0, 5, rows=20),), 2, 0)),
        (15, RunProgress((shard(0, 10, rows=40), shard(1, 10, rows=40)), 2, 1)),
    ]:
        now[0] = seconds
        view.update(progress)
    assert stream.getvalue().splitlines() == [
        "shards 0/2 sealed, batches 0/?",
        "shards 0/2 sealed, batches 5/about 20, 4 rows/s",
        "shards 0/2 sealed, batches 5/about 20, 2 rows/s",
        "shards 2/2 sealed, batches 20/20, 5 rows/s, 1 failed",
    ]


def test_bars_show_every_shard_at_work_the_rate_and_the_rest() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    now = [0.0]
    view = BarView(console, lambda: now[0])
    view.update(RunProgress((shard(0, 2, rows=8), shard(1, 4, rows=16)), 3, 0))
    now[0] = 2.0
    view.note("[worker 0] hello [not markup]")
    view.update(RunProgress((shard(0, 10, rows=40), shard(1, 4, rows=16)), 3, 0))
    view.close()
    shown = stream.getvalue()
    assert "[worker 0] hello [not markup]" in shown
    last = shown[shown.rindex("1/3 shards") :]
    assert "14/30" in last
    assert "16 rows/s" in last
    assert "shard 1" in last
    assert "shard 0" not in last


def test_a_stream_that_is_no_terminal_gets_lines() -> None:
    assert isinstance(open_view(io.StringIO()), LineView)
