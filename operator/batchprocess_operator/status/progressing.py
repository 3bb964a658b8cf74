"""Whether a job gets on, and if not, why. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from batchprocess_operator.model.conditions import Fact
from batchprocess_operator.model.index_ranges import format_ranges
from batchprocess_operator.model.job import Decision, Job
from batchprocess_operator.model.observed import Observed, ShardReport
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.pods_kept import pods_kept

_MAX_STALL_SECONDS = 300
"""A stall is shown at half of stallSeconds, when the agent would end it, or after this long."""
_FRESH_SECONDS = 30


def progressing(
    job: Job, observed: Observed, shards: Shards, decision: Decision, now: datetime
) -> list[Fact]:
    """Progressing; of a job whose workers are not at work only what keeps it from ending."""
    kept = pods_kept(observed, decision.child, now)
    if kept is not None:
        return [kept]
    if decision.state != "Running":
        return []
    return [_stalled(job, observed, shards, now) or Fact("Progressing", True, "BatchesFinish")]


def stalled_shards(
    job: Job, reports: Iterable[ShardReport], running: frozenset[int], now: datetime
) -> list[int]:
    """Running shards that send reports, and whose reports have shown nothing done for too long.

    Silence says nothing: the way of reports may be cut, and the work goes on.
    """
    limit = min(job.body.spec.timeouts.stall_seconds / 2, _MAX_STALL_SECONDS)
    since, fresh = now - timedelta(seconds=limit), now - timedelta(seconds=_FRESH_SECONDS)
    return sorted(
        report.shard
        for report in reports
        if report.shard in running
        and report.phase != "starting"
        and report.advanced < since
        and report.received > fresh
    )


def _stalled(job: Job, observed: Observed, shards: Shards, now: datetime) -> Fact | None:
    stalled = stalled_shards(job, observed.reported.shards.values(), shards.running, now)
    if not stalled:
        return None
    message = f"no batch finished lately in shards {format_ranges(stalled)}"
    return Fact("Progressing", False, "Stalled", message)
