"""What a person sees of a run."""

import io
from itertools import count

import pytest
from rich.console import Console

from batchprocess.agent.local.local_run import RunProgress
from batchprocess.cli.progress_view import (
    MAX_BARS,
    BarView,
    Counts,
    LineView,
    Rate,
    counts,
    open_view,
)
from batchprocess.protocol.control import Indexed
from batchprocess.protocol.progress import ShardProgress
from batchprocess.protocol.run import RunShape


def shard(number: int, processed: int, total: int = 10, rows: int = 0) -> ShardProgress:
    sealed = processed == total
    return ShardProgress(
        shard=number, seq=1, cursor=0, total=total, processed=processed, rows=rows, sealed=sealed
    )


SHAPE = RunShape(rows=78, batch_size=4, batches=20)


def going(*shards: ShardProgress, failed: int = 0, finalizing: bool = False) -> RunProgress:
    return RunProgress(shards, 2, failed, SHAPE, finalizing)


def test_the_total_is_the_runs_and_unknown_before_the_dataset_is_counted() -> None:
    rate = Rate(lambda: 0.0)
    assert counts(RunProgress((shard(0, 0),), 2, 0), rate) == Counts(0, None, 0)
    assert counts(going(shard(0, 4)), rate) == Counts(4, 20, 0)
    assert counts(going(shard(0, 10), shard(1, 10)), rate) == Counts(20, 20, 2)


def test_the_time_left_is_that_of_all_batches_and_resumed_ones_are_no_speed() -> None:
    clock = count(0, 10)
    rate = Rate(lambda: next(clock))
    assert counts(going(shard(0, 6)), rate).left == ""
    half = counts(going(shard(0, 8), shard(1, 2)), rate)
    assert (half.speed, half.left) == ("2 rows/s", "25 s")


def test_a_rate_is_of_the_last_half_minute_and_never_negative() -> None:
    clock = count(0, 10)
    rate = Rate(lambda: next(clock))
    assert [rate.per_second(rows) for rows in (0, 100, 200, 300, 300, 300, 300)] == pytest.approx(
        [0, 10, 10, 10, 20 / 3, 10 / 3, 0]
    )
    assert rate.per_second(200) == 0


def test_lines_come_every_five_seconds_and_only_when_something_changed() -> None:
    stream, now = io.StringIO(), [0.0]
    view = LineView(stream, lambda: now[0])
    for seconds, progress in [
        (0, RunProgress((), 2, 0)),
        (1, going(shard(0, 1))),
        (5, going(shard(0, 5))),
        (10, going(shard(0, 5))),
        (15, going(shard(0, 10), shard(1, 5), failed=1)),
        (20, going(shard(0, 10), shard(1, 5), failed=1)),
        (21, going(shard(0, 10), shard(1, 10), finalizing=True)),
    ]:
        now[0] = seconds
        view.update(progress)
    assert stream.getvalue().splitlines() == [
        "starting, shards 0/2 complete",
        "shards 0/2 complete, batches 5/20",
        "shards 1/2 complete, batches 15/20, 4 rows/s, 5 s left, 1 failed",
        "shards 1/2 complete, batches 15/20, 3 rows/s, 8 s left, 1 failed",
        "shards 2/2 complete, batches 20/20, finalizing",
    ]


def test_bars_show_every_shard_at_work_the_rate_and_the_rest() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    now = [0.0]
    view = BarView(console, lambda: now[0])
    view.update(RunProgress((), 2, 0))
    view.update(going(shard(0, 2), shard(1, 4)))
    now[0] = 2.0
    view.note("[shard 0] hello [not markup]")
    view.update(going(shard(0, 10), shard(1, 4)))
    view.close()
    shown = stream.getvalue()
    assert "[shard 0] hello [not markup]" in shown
    last = shown[shown.rindex("1/2 shards") :]
    assert "14/20" in last
    assert "16 rows/s" in last
    assert "2 s left" in last
    assert "shard 1" in last
    assert "shard 0" not in last
    view.update(going(shard(0, 10), shard(1, 10), finalizing=True))


def test_shards_that_have_not_begun_say_so() -> None:
    stream = io.StringIO()
    progress = RunProgress(
        (shard(0, 4), shard(1, 0), shard(2, 3)),
        *(5, 0, SHAPE),
        starting=frozenset({1}),
        waiting=frozenset({2, 3, 4}),
    )
    LineView(stream, lambda: 0.0).update(progress)
    assert stream.getvalue() == "shards 0/5 complete, 1 starting, 3 waiting, batches 7/20\n"
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    view = BarView(console, lambda: 0.0)
    view.update(progress)
    view.close()
    last = stream.getvalue()
    last = last[last.rindex("0/5 shards, 1 starting, 3 waiting") :]
    assert "shard 1: starting" in last
    assert "shard 0:" not in last
    assert "shard 2" not in last


def test_how_long_a_shard_is_that_has_not_begun_is_not_made_up() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    view = BarView(console, lambda: 0.0)
    early = ShardProgress(shard=1, seq=0, cursor=0, total=0, processed=0, rows=0, sealed=False)
    view.update(RunProgress((early,), 2, 0, SHAPE, starting=frozenset({1})))
    view.close()
    assert "0/?" in stream.getvalue()
    assert "/100" not in stream.getvalue()


def test_a_complete_shards_bar_makes_room_for_another() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    view = BarView(console, lambda: 0.0)
    view.update(going(*(shard(number, 1) for number in range(MAX_BARS))))
    view.update(going(*(shard(number, 10) for number in range(MAX_BARS)), shard(99, 1)))
    view.close()
    last = stream.getvalue()
    assert "shard 99" in last[last.rindex("16/2 shards") :]


def test_a_stream_that_is_no_terminal_gets_lines() -> None:
    assert isinstance(open_view(io.StringIO()), LineView)


def test_a_run_whose_files_are_counted_shows_how_far_that_is() -> None:
    stream, now = io.StringIO(), [0.0]
    view = LineView(stream, lambda: now[0])
    for far in (None, Indexed(done=0, total=0), Indexed(done=3 * 10**8, total=10**10)):
        told = shard(0, 0).model_copy(update={"phase": "indexing", "indexed": far})
        view.update(RunProgress((told,), 2, 0))
        now[0] += 5
    assert [line.partition(", ")[0] for line in stream.getvalue().splitlines()] == [
        "starting",
        "listing the input",
        "indexing 0.3 of 10.0 GB",
    ]
