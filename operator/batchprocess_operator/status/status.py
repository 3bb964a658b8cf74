"""The status that is written, whole, from a decision and what is known of the shards. Pure."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from batchprocess.api.status import Status
from batchprocess_operator.model.conditions import Fact, merge
from batchprocess_operator.model.index_ranges import format_ranges
from batchprocess_operator.model.job import FINAL, SUCCESSFUL, Decision, Job
from batchprocess_operator.model.names import LABEL_JOB_UID, LABEL_ROLE
from batchprocess_operator.model.observed import MAX_COUNT, Observed, count_running
from batchprocess_operator.observe.shards import Shards, plan_of
from batchprocess_operator.status.eta import Estimate, estimate
from batchprocess_operator.status.printer_columns import display
from batchprocess_operator.status.shard_rows import shard_rows

_MAX_FLOAT = int(sys.float_info.max)


def build_status(
    job: Job,
    observed: Observed,
    shards: Shards,
    decision: Decision,
    facts: Iterable[Fact],
    now: datetime,
) -> Status:
    """The job's status as of `now`."""
    before = job.before
    final = decision.state in FINAL
    speed = Estimate(None, None) if final else _estimate(job, observed, shards, now)
    totals = _totals(job, shards, decision)
    working = count_running(observed)["worker"]
    values = {
        "observedGeneration": job.identity.generation,
        "state": decision.state,
        "conditions": merge(before.conditions, facts, generation=job.identity.generation, now=now),
        "retry": decision.retry(job),
        "runId": job.identity.run_id,
        "outputURI": job.identity.run_uri,
        "startTime": before.start_time or _start_time(observed, shards, decision, now),
        "completionTime": (before.completion_time or now) if final else None,
        "shards": {
            "total": shards.total,
            "succeeded": len(shards.sealed),
            "running": len(shards.running),
            "failed": len(shards.failed),
            "pending": len(shards.pending),
        },
        "batches": {"done": totals.done, "total": totals.total},
        "rows": totals.rows,
        "dataset": _dataset(shards),
        "rate": speed.rate,
        "eta": speed.end,
        "sealedShards": format_ranges(shards.sealed),
        "failedShards": format_ranges(shards.failed),
        "pendingShards": format_ranges(shards.pending),
        "cursors": ",".join(map(str, shards.cursors)),
        "claims": ",".join(map(str, shards.claims)),
        "shardProgress": shard_rows(shards, observed.reported.shards, before, final=final),
        "metrics": totals.metrics,
        "metricsError": totals.metrics_error,
        "attempts": totals.attempts,
        "lostWork": max(before.lost_work or 0, min(observed.reported.lost, MAX_COUNT)),
        "replicas": working,
        "selector": f"{LABEL_JOB_UID}={job.identity.uid},{LABEL_ROLE}=worker",
        "display": display(totals.done, totals.total, shards, speed, now),
    }
    return Status.model_validate(values)


@dataclass(frozen=True)
class _Totals:
    """Over all shards."""

    done: int
    total: int | None
    rows: int
    attempts: int
    metrics: Mapping[str, Any] | None
    metrics_error: str | None


def _totals(job: Job, shards: Shards, decision: Decision) -> _Totals:
    """What the finalizer has counted; until it has, what was reported."""
    before, result = job.before, decision.result
    attempts = max(before.attempts or 0, sum(shards.attempts.values()))
    total = shards.batches_total
    if result is not None:
        return _Totals(
            result.batches,
            result.batches if total is None else total,
            result.rows,
            result.attempts or attempts,
            _sendable(result.metrics) or None,
            result.metrics_error,
        )
    metrics = before.metrics, before.metrics_error
    if decision.state in SUCCESSFUL and before.batches is not None:
        # The finalizer counted records: its result stands over what was reported.
        last = before.batches
        if before.state in SUCCESSFUL:
            attempts = before.attempts or 0
        return _Totals(last.done, last.total, before.rows or 0, attempts, *metrics)
    return _Totals(shards.batches_done, total, committed_rows(job, shards), attempts, *metrics)


def _start_time(
    observed: Observed, shards: Shards, decision: Decision, now: datetime
) -> datetime | None:
    """When work was first seen to go on; if it was over before that, when Kubernetes began it."""
    if decision.state == "Running":
        return now
    worked = decision.state in SUCCESSFUL or shards.attempts or shards.sealed
    if not worked or decision.state not in ("Finalizing", *FINAL):
        return None
    begun = [one.started for one in observed.children if one.role == "worker"]
    # Our clock may be behind Kubernetes': nothing may have begun after its end.
    return min([now, *(time for time in begun if time is not None)])


def _dataset(shards: Shards) -> dict[str, int] | None:
    shape = shards.shape
    if shape is None:
        return None
    return {"rows": shape.rows, "batches": shape.batches, "batchSize": shape.batch_size}


def _sendable(value: Any) -> Any:
    """An integer that no float can hold is null, as NaN is: the API server takes no such number."""
    match value:
        case dict():
            return {key: _sendable(one) for key, one in value.items()}
        case list():
            return [_sendable(one) for one in value]
        case int() if abs(value) > _MAX_FLOAT:
            return None
    return value


def committed_rows(job: Job, shards: Shards) -> int:
    """Dataset rows in committed batches."""
    if shards.shape is None:
        return job.before.rows or 0
    plan = plan_of(job.body, shards.shape)
    # All batches are of one size but the last one, which the last shard that has any owns.
    owner = min(plan.shards, plan.batches) - 1
    first, end = plan.row_span(owner, 0, shards.cursors[owner])
    missing = shards.cursors[owner] * plan.batch_size - (end - first)
    return sum(shards.cursors) * plan.batch_size - missing


def _estimate(job: Job, observed: Observed, shards: Shards, now: datetime) -> Estimate:
    spec = job.body.spec
    nowhere = sum(pod.alive and pod.unscheduled is not None for pod in observed.pods)
    slots = max(spec.parallelism - nowhere, 1) * spec.worker.processes_per_worker
    return estimate(shards, observed.reported.shards, slots=slots, before=job.before.eta, now=now)


def unchanged_but_for_time(before: Status, after: Status) -> bool:
    """Whether nothing is told anew."""
    return before == after


def is_urgent(before: Status, after: Status) -> bool:
    """Whether more than progress has changed: then it is written at once.

    That pods start, end and fail is progress: in a large job some do at any time. So is why they do
    not start: ErrImagePull and ImagePullBackOff take turns as long as an image is missing.
    """

    def told(status: Status) -> object:
        kinds = [
            (one.type, one.status, "" if one.type == "PodsStarting" else one.reason)
            for one in status.conditions
            if one.type not in ("Running", "PodsFailed")
            and (one.type, one.status) != ("PodsStarting", "True")
        ]
        return (status.state, status.observed_generation, status.retry, kinds, status.metrics)

    return told(before) != told(after)


def min_interval(before: datetime | None, now: datetime, seconds: float) -> float:
    """Seconds until a progress write may follow the one at `before`."""
    if before is None:
        return 0.0
    return max((before + timedelta(seconds=seconds) - now).total_seconds(), 0.0)
