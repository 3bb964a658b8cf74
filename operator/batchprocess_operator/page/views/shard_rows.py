"""The table of shards, a page at a time: the same as the heat map, in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchprocess_operator.model.reported import ShardReport
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.page.views import words
from batchprocess_operator.page.views.time_spent import PHASES

MAX_SHARDS = 50
"""On one page."""
STATES = ("failed", "running", "pending", "succeeded")


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One shard. `doing`: what its worker said last, and `heard` how long ago."""

    shard: int
    state: str
    cursor: str
    percent: int
    attempts: int
    rate: str
    doing: str
    heard: str


@dataclass(frozen=True, slots=True)
class ShardTable:
    """One page of it. `of`: shards of this state; -1 stands for no such page."""

    rows: Sequence[ShardRow]
    state: str
    first: int
    of: int
    before: int
    after: int


def shard_table(
    shards: Shards,
    reports: Mapping[int, ShardReport],
    attempts: Mapping[int, int],
    asked: Mapping[str, str],
    now: datetime,
) -> ShardTable:
    """`asked`: `shards`, a state; `from`, the number that the page begins with."""
    state = asked["shards"] if asked.get("shards") in STATES else ""
    chosen = _chosen(shards, state)
    start = asked.get("from", "")
    number = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    first = next((k for k, shard in enumerate(chosen) if shard >= number), max(len(chosen) - 1, 0))
    page = chosen[first : first + MAX_SHARDS]
    rows = [_row(k, shards, reports.get(k), attempts.get(k, 0), now) for k in page]
    return ShardTable(
        rows=rows,
        state=state,
        first=first,
        of=len(chosen),
        before=chosen[max(first - MAX_SHARDS, 0)] if first else -1,
        after=chosen[first + MAX_SHARDS] if first + MAX_SHARDS < len(chosen) else -1,
    )


def _chosen(shards: Shards, state: str) -> Sequence[int]:
    of = {
        "failed": shards.failed,
        "running": shards.running,
        "succeeded": shards.done,
        "pending": shards.pending,
    }
    return sorted(of[state]) if state else range(shards.total)


def _row(
    shard: int, shards: Shards, report: ShardReport | None, attempts: int, now: datetime
) -> ShardRow:
    state = _state(shard, shards)
    size = report.total if report is not None else 0
    if shards.sizes is not None:
        size = shards.sizes[shard]
    cursor = shards.cursors[shard]
    working = state == "running" and report is not None
    return ShardRow(
        shard=shard,
        state=state,
        cursor=f"{words.count(cursor)}/{words.count(size) if size else '?'}",
        percent=100 if state == "succeeded" else words.percent(cursor, size),
        attempts=attempts,
        rate=words.rate(report.rate or 0) if working and report is not None else "",
        doing=_doing(report) if working and report is not None else "",
        heard=""
        if not working or report is None
        else words.duration(max((now - report.received).total_seconds(), 0)),
    )


def _state(shard: int, shards: Shards) -> str:
    if shard in shards.failed:
        return "failed"
    if shard in shards.done:
        return "succeeded"
    return "running" if shard in shards.running else "pending"


def _doing(report: ShardReport) -> str:
    return PHASES.get(report.phase, report.phase)
