"""Showing a job of a cluster: bars on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TextIO

from batchprocess.api.status import ShardProgress, Status
from batchprocess.cli.cluster import job_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

LINE_SECONDS = 5.0
MAX_BARS = 16
_BAR_WIDTH = 40
Now = Callable[[], datetime]


class WatchView(Protocol):
    """What is told of each status."""

    def update(self, status: Status) -> None:
        """The job is so far."""

    def close(self) -> None:
        """Leave the last state where it is. May be called twice."""


def open_watch_view(stream: TextIO, name: str, now: Now) -> WatchView:
    """Bars if `stream` is a terminal, else lines."""
    if not stream.isatty():
        return WatchLines(stream, now)
    from rich.console import Console

    return WatchBars(Console(file=stream), name, now)


class WatchLines:
    """A line for each state, and every few seconds if something has changed; fit for logs."""

    def __init__(
        self, stream: TextIO, now: Now, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._now, self._clock = stream, now, clock
        self._next = clock()
        self._last, self._state, self._news = "", "", ""

    def update(self, status: Status) -> None:
        """A line if one is due; what stands in the way is told when it changes."""
        state, news = status.state or "Pending", job_text.news(status)
        if self._clock() >= self._next or state != self._state:
            text = job_text.line(status, self._now())
            if text != self._last:
                self._print(text)
            self._last, self._state, self._next = text, state, self._clock() + LINE_SECONDS
        if news != self._news and news:
            self._print(news)
        self._news = news

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to tidy."""


class WatchBars:
    """A live table: the job, and a bar for each shard that is at work or has failed."""

    def __init__(self, console: "Console", name: str, now: Now) -> None:
        from rich.live import Live

        self._name, self._now = name, now
        self._status = Status()
        # Drawn anew each second: the time that is left shrinks though nothing is told.
        self._live = Live(
            console=console, get_renderable=self._picture, refresh_per_second=1, screen=False
        )
        self._live.start()

    def update(self, status: Status) -> None:
        """Draw this from now on."""
        self._status = status
        self._live.refresh()

    def close(self) -> None:
        """Stop drawing."""
        self._live.stop()

    def _picture(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        status = self._status
        parts: list[RenderableType] = [self._head(status), self._shards(status)]
        more = len(status.shard_progress) - MAX_BARS
        if more > 0:
            parts.append(Text(f"and {more} more shards", style="dim"))
        if news := job_text.news(status):
            parts.append(Text(news, style="yellow"))
        return Group(*parts)

    def _head(self, status: Status) -> "Table":
        done, total = job_text.done_and_total(status)
        table = _grid()
        table.add_row(
            f"{self._name} {status.state or 'Pending'}",
            _bar(done, total),
            f"{done}/{'?' if total is None else total}",
            job_text.speed(status),
            job_text.left(status, self._now()),
        )
        table.add_row(job_text.shard_counts(status))
        return table

    def _shards(self, status: Status) -> "Table":
        table = _grid()
        for shard in status.shard_progress[:MAX_BARS]:
            table.add_row(
                f"shard {shard.shard}",
                _bar(shard.cursor, shard.total),
                f"{shard.cursor}/{'?' if shard.total is None else shard.total}",
                _attempt(shard),
            )
        return table


def _attempt(shard: ShardProgress) -> str:
    failed = "failed" if shard.state == "failed" else ""
    again = f"attempt {shard.attempts}" if shard.attempts > 1 else ""
    return " ".join(part for part in (failed, again) if part)


def _bar(done: int, total: int | None) -> "RenderableType":
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=total or 1, completed=done if total else 0, width=_BAR_WIDTH)


def _grid() -> "Table":
    from rich.table import Table

    return Table.grid(padding=(0, 1))
