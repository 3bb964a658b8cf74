"""Showing a run: bars on a terminal, plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from batchprocess.agent.local.local_run import RunProgress, View
from batchprocess.cli.output import duration
from batchprocess.protocol.progress import ShardProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_LINE_SECONDS = 5.0
_WINDOW_SECONDS = 30.0
MAX_BARS = 16


def open_view(stream: TextIO) -> View:
    """Bars if `stream` is a terminal, else lines."""
    if not stream.isatty():
        return LineView(stream)
    from rich.console import Console

    return BarView(Console(file=stream))


class Rate:
    """Batches a second over the last half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def per_second(self, batches: int) -> float:
        """The rate, given all batches so far; 0 until two values were seen."""
        now = self._clock()
        self._seen.append((now, batches))
        while now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        (then, before) = self._seen[0]
        return max(0.0, (batches - before) / (now - then)) if now > then else 0.0


@dataclass(frozen=True)
class Counts:
    """Batches processed and in all (None before the dataset is counted), complete shards.

    `speed` is rows a second, `left` the time to the end: both empty while nothing is known.
    """

    done: int
    total: int | None
    complete: int
    speed: str = ""
    left: str = ""


def counts(progress: RunProgress, rate: Rate) -> Counts:
    """Add up the shards. What earlier runs have committed is done, but not part of the rate."""
    done = sum(shard.processed for shard in progress.shards)
    complete = sum(shard.sealed for shard in progress.shards)
    run = progress.run
    if run is None:
        return Counts(done, None, complete)
    each = rate.per_second(done)
    if not each or progress.finalizing:
        return Counts(done, run.batches, complete)
    left = duration((run.batches - done) / each)
    return Counts(done, run.batches, complete, f"{each * run.batch_size:.0f} rows/s", left)


def _not_begun(progress: RunProgress) -> list[str]:
    """How many shards have no process that is at work yet."""
    parts = {"starting": len(progress.starting), "waiting": len(progress.waiting)}
    return [f"{number} {what}" for what, number in parts.items() if number]


def _beginning(progress: RunProgress) -> str:
    """Of a run whose rows are not known yet."""
    far = [one.indexed for one in progress.shards if one.indexed is not None]
    if not far:
        return "starting"
    one = max(far, key=lambda one: one.done)
    if not one.total:
        return "listing the input"
    return f"indexing {one.done / 1e9:.1f} of {one.total / 1e9:.1f} GB"


class LineView:
    """A line every few seconds; fit for logs."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._rate = Rate(clock)
        self._next = clock()
        self._last = ""

    def update(self, progress: RunProgress) -> None:
        """Write a line if one is due and something has changed; the end is shown at once."""
        if self._clock() < self._next and not progress.finalizing:
            return
        self._next = self._clock() + _LINE_SECONDS
        text = self._text(progress)
        if text != self._last:
            print(text, file=self._stream, flush=True)
        self._last = text

    def _text(self, progress: RunProgress) -> str:
        now = counts(progress, self._rate)
        parts = [f"shards {now.complete}/{progress.shards_total} complete", *_not_begun(progress)]
        if now.total is None:
            parts.insert(0, _beginning(progress))
        else:
            parts.append(f"batches {now.done}/{now.total}")
        parts += [now.speed] if now.speed else []
        parts += [f"{now.left} left"] if now.left else []
        parts += [f"{progress.failed} failed"] if progress.failed else []
        parts += ["finalizing"] if progress.finalizing else []
        return ", ".join(parts)

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
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self._rate = Rate(clock)
        self._bars: dict[int, TaskID] = {}
        self._all = self._progress.add_task("starting", total=None, rate="", left="")
        self._progress.start()

    def update(self, progress: RunProgress) -> None:
        """Move the bars."""
        now = counts(progress, self._rate)
        label = ", ".join([f"{now.complete}/{progress.shards_total} shards", *_not_begun(progress)])
        label = _beginning(progress) if now.total is None else label
        self._progress.update(
            self._all,
            description="finalizing" if progress.finalizing else label,
            completed=now.done,
            total=now.total,
            rate=now.speed,
            left=f"{now.left} left" if now.left else "",
        )
        for shard in progress.shards:
            at_work = not shard.sealed and shard.shard not in progress.waiting
            self._update_bar(shard, at_work=at_work, starting=shard.shard in progress.starting)

    def _update_bar(self, shard: ShardProgress, *, at_work: bool, starting: bool) -> None:
        if not at_work:
            if shard.shard in self._bars:
                self._progress.remove_task(self._bars.pop(shard.shard))
            return
        if shard.shard not in self._bars and len(self._bars) < MAX_BARS:
            self._bars[shard.shard] = self._progress.add_task("", total=None, rate="", left="")
        if shard.shard in self._bars:
            self._progress.update(
                self._bars[shard.shard],
                description=f"shard {shard.shard}{': starting' if starting else ''}",
                completed=shard.processed,
                total=shard.total or None,
            )

    def note(self, line: str) -> None:
        """A line above the bars."""
        self._progress.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()
