"""How fast a job is and when it will be done, from the rates of its shards. Pure.

The end is played through: shards at work finish at their own pace, waiting ones start where one
ends, as fast as the others are on average. So the tail, where few shards are left for many
workers, is in the estimate from the beginning.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from batchprocess_operator.model.reported import ShardReport
from batchprocess_operator.observe.shards import Shards

_STALE_SECONDS = 30
_LATELY_SECONDS = 60
"""For so long the pace of sealed shards stands for those that have not sent two reports yet."""
_SLOWEST = 0.1
"""A shard that has stalled is not extrapolated: the agent ends it, and another goes on."""
_MAX_SECONDS = 10 * 365 * 86_400
_JUMP = 0.1
"""An estimate within a tenth of the remaining time of the old one is the old one: no flicker."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`rate` in rows a second; `end` None while nothing is known."""

    rate: float | None
    end: datetime | None


def estimate(
    shards: Shards,
    reports: Mapping[int, ShardReport],
    *,
    slots: int,
    before: datetime | None,
    now: datetime,
) -> Estimate:
    """Rate and end of a running job; `slots` shards at a time, `before`: as last published."""
    rates = {
        report.shard: report.rate
        for report in reports.values()
        if report.rate and report.shard in shards.running and _is_fresh(report, now)
    }
    rates = rates or _paces_of_late(shards, reports, now)
    if not rates or shards.shape is None or shards.sizes is None:
        return Estimate(None, None)
    rate = _rounded(sum(rates.values()) * shards.shape.batch_size)
    seconds = _seconds_left(_left(shards, reports), shards, rates, slots)
    if seconds > _MAX_SECONDS:
        return Estimate(rate, None)
    end = (now + timedelta(seconds=seconds)).replace(microsecond=0)
    if before is not None and abs((end - before).total_seconds()) < max(2, _JUMP * seconds):
        end = before
    return Estimate(rate, end)


def _paces_of_late(
    shards: Shards, reports: Mapping[int, ShardReport], now: datetime
) -> dict[int, float]:
    """Where one pod follows another nobody has reported a pace for seconds: as the last ones did.

    One entry for each shard at work, or for the one that is about to be.
    """
    ended = [reports[k] for k in shards.done if k in reports]
    known = [one.rate for one in ended if one.rate and _age(one, now) < _LATELY_SECONDS]
    running = sorted(shards.running) or sorted(shards.pending)[:1]
    return dict.fromkeys(running, median(known)) if known else {}


def _left(shards: Shards, reports: Mapping[int, ShardReport]) -> list[int]:
    """Batches left of each shard; what is processed and not committed yet counts as done."""
    done = [
        max(c, reports[k].processed if k in reports else 0) for k, c in enumerate(shards.cursors)
    ]
    return [max(size - done[k], 0) for k, size in enumerate(shards.sizes or ())]


def _seconds_left(
    left: Sequence[int], shards: Shards, rates: Mapping[int, float], slots: int
) -> float:
    usual = median(rates.values())
    pace = {k: max(rate, _SLOWEST * usual) for k, rate in rates.items()}
    running = [left[k] / pace.get(k, usual) for k in sorted(shards.running)]
    free = [0.0] * max(slots - len(running), 0)
    heap = running + free
    heapq.heapify(heap)
    last = max(heap)
    for shard in sorted(shards.pending):
        end = heapq.heappop(heap) + left[shard] / usual
        heapq.heappush(heap, end)
        last = max(last, end)
    return last


def _is_fresh(report: ShardReport, now: datetime) -> bool:
    return _age(report, now) < _STALE_SECONDS


def _age(report: ShardReport, now: datetime) -> float:
    return (now - report.received).total_seconds()


def _rounded(value: float) -> float:
    """Three significant digits: more is noise."""
    return float(f"{value:.3g}")
