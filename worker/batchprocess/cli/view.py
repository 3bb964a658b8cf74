"""Showing a run: bars on a terminal, plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from batchprocess.agent.local import RunProgress, View

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_LINE_SECONDS = 5.0
_WINDOW_SECONDS = 30.0
_MOST_BARS = 16


def open_view(stream: TextIO) -> View:
    """Bars if `stream` is a terminal, else lines."""
    if not stream.isatty():
        return LineView(stream)
    from rich.console import Console

    return BarView(Console(file=stream))


class Rate:
    """Rows a second over the last half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def take(self, rows: int) -> float:
        """The rate, given all rows of this run so far; 0 until two values were seen."""
        now = self._clock()
        self._seen.append((now, rows))
        while now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        (then, before) = self._seen[0]
        return (rows - before) / (now - then) if now > then else 0.0


@dataclass(frozen=True)
class Counts:
    """Batches processed and in all, sealed shards, rows committed since this command began.

    Shards not heard of yet are taken to be as long as the others: `estimated`.
    """

    done: int
    total: int
    estimated: bool
    sealed: int
    rows: int


def counts(progress: RunProgress) -> Counts:
    """Add up the shards."""
    shards = progress.shards
    total = sum(shard.total for shard in shards)
    estimated = 0 < len(shards) < progress.shards_total
    return Counts(
        done=sum(shard.processed for shard in shards),
        total=total * progress.shards_total // len(shards) if estimated else total,
        estimated=estimated,
        sealed=sum(shard.sealed for shard in shards),
        rows=sum(shard.rows for shard in shards),
    )


class LineView:
    """A line every few seconds; fit for logs."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._rate = Rate(clock)
        self._next = clock()
        self._last = ""

    def update(self, progress: RunProgress) -> None:
        """Write a line if one is due and something has changed."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + _LINE_SECONDS
        self._write(progress)

    def _write(self, progress: RunProgress) -> None:
        now = counts(progress)
        rate = self._rate.take(now.rows)
        total = f"{'about ' if now.estimated and now.total else ''}{now.total or '?'}"
        text = f"shards {now.sealed}/{progress.shards_total} sealed, batches {now.done}/{total}"
        if rate:
            text += f", {rate:.0f} rows/s"
        if progress.failed:
            text += f", {progress.failed} failed"
        if text != self._last:
            print(text, file=self._stream, flush=True)
        self._last = text

    def note(self, line: str) -> None:
        """A line of output."""
        print(line, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to tidy."""


class BarView:
    """Live bars: one for the run, one for each shard that is at work."""

    def __init__(self, console: "Console", clock: Callable[[], float] = time.monotonic) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._rate = Rate(clock)
        self._bars: dict[int, TaskID] = {}
        self._all = self._progress.add_task("all", total=None, rate="")
        self._progress.start()

    def update(self, progress: RunProgress) -> None:
        """Move the bars."""
        now = counts(progress)
        rate = self._rate.take(now.rows)
        self._progress.update(
            self._all,
            description=f"{now.sealed}/{progress.shards_total} shards",
            completed=now.done,
            total=now.total or None,
            rate=f"{rate:.0f} rows/s" if rate else "",
        )
        for shard in progress.shards:
            if shard.shard not in self._bars and not shard.sealed and len(self._bars) < _MOST_BARS:
                self._bars[shard.shard] = self._progress.add_task(f"shard {shard.shard}", rate="")
            if shard.shard in self._bars:
                self._progress.update(
                    self._bars[shard.shard],
                    completed=shard.processed,
                    total=shard.total or None,
                    visible=not shard.sealed,
                )

    def note(self, line: str) -> None:
        """A line above the bars."""
        self._progress.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()
