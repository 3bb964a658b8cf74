"""What a person sees of a job on a cluster."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from batchprocess.api.status import Status
from batchprocess.cli.cluster.watch_view import MAX_BARS, WatchBars, WatchLines, open_watch_view

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def status(done: int, state: str = "Running", **more: Any) -> Status:
    return Status.model_validate(
        {
            "state": state,
            "batches": {"done": done, "total": 20},
            "shards": {"total": 4, "succeeded": 1, "running": 2, "failed": 1},
            "rate": 16.2,
            "eta": (NOW + timedelta(seconds=42)).isoformat(),
            **more,
        }
    )


def waiting(message: str) -> dict[str, Any]:
    told = {"status": "False", "reason": "Unschedulable", "message": message}
    told |= {"type": "PodsStarting", "lastTransitionTime": NOW.isoformat()}
    return {"conditions": [told]}


def test_lines_come_at_each_state_and_every_five_seconds_if_something_has_changed() -> None:
    stream, seconds = io.StringIO(), [0.0]
    view = WatchLines(stream, lambda: NOW, lambda: seconds[0])
    for at, told in [
        (0, Status()),
        (1, status(1)),
        (2, status(2)),
        (7, status(2)),
        (8, status(3, **waiting("no \x1b[2Jnode"))),
        (13, status(3, **waiting("no \x1b[2Jnode"))),
        (14, status(20, "Complete")),
    ]:
        seconds[0] = at
        view.update(told)
    shards = "1/4 shards complete, 2 running, 1 failed"
    assert stream.getvalue().splitlines() == [
        "Pending",
        f"Running: batches 1/20, {shards}, 16 rows/s, 42 s left",
        f"Running: batches 2/20, {shards}, 16 rows/s, 42 s left",
        "Unschedulable: no  [2Jnode",
        f"Running: batches 3/20, {shards}, 16 rows/s, 42 s left",
        f"Complete: batches 20/20, {shards}",
    ]


def shard(number: int, state: str = "running", attempts: int = 1) -> dict[str, Any]:
    return {"shard": number, "cursor": 2, "total": 5, "state": state, "attempts": attempts}


def drawn(*told: Status) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=40, color_system=None)
    view = WatchBars(console, "digits", lambda: NOW)
    for one in told:
        view.update(one)
    view.close()
    view.close()
    return stream.getvalue()


def test_bars_show_the_job_the_shards_at_work_and_what_stands_in_the_way() -> None:
    rows = [shard(0), shard(3, "failed", attempts=4)]
    shown = drawn(status(14, shardProgress=rows, **waiting("no [red]node\x1b[2J")))
    last = shown[shown.rindex("digits Running") :]
    assert "14/20 16 rows/s 42 s left" in last
    assert "shard 0" in last
    assert "2/5 failed attempt 4" in last
    assert "Unschedulable: no [red]node [2J" in last


def test_no_more_bars_are_drawn_than_fit_on_a_screen() -> None:
    shown = drawn(status(14, shardProgress=[shard(number) for number in range(100)]))
    assert f"shard {MAX_BARS - 1} " in shown
    assert f"shard {MAX_BARS} " not in shown
    assert f"and {100 - MAX_BARS} more shards" in shown


def test_a_stream_that_is_no_terminal_gets_lines() -> None:
    assert isinstance(open_watch_view(io.StringIO(), "digits", lambda: NOW), WatchLines)
