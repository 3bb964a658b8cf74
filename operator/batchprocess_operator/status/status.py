"""The status that is written, whole, from a decision and what is known of the shards. Pure."""

from collections.abc import Iterable
from datetime import datetime

from batchprocess.api.status import (
    BatchCounts,
    Condition,
    DatasetShape,
    Display,
    ShardCounts,
    Status,
)
from batchprocess.kube.index_ranges import format_ranges
from batchprocess.kube.names import LABEL_JOB_UID, LABEL_ROLE
from batchprocess.plain_text import plain
from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess_operator.model.conditions import Fact, is_told_beside, merge
from batchprocess_operator.model.job import FINAL, SUCCESSFUL, Decision, Job
from batchprocess_operator.model.observed import Observed, count_running
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.eta import Estimate, estimate
from batchprocess_operator.status.printer_columns import printer_columns, worst_reason
from batchprocess_operator.status.shard_rows import shard_rows
from batchprocess_operator.status.totals import Totals, totals_of

_MAX_URI = 4_096


def build_status(
    job: Job,
    observed: Observed,
    shards: Shards,
    decision: Decision,
    facts: Iterable[Fact],
    now: datetime,
) -> Status:
    """The job's status as of `now`."""
    before, identity, final = job.before, job.identity, decision.state in FINAL
    speed = Estimate(None, None) if final else _estimate(job, observed, shards, now)
    totals = totals_of(job, shards, decision)
    conditions = merge(before.conditions, facts, generation=identity.generation, now=now)
    return Status(
        observed_generation=identity.generation,
        state=decision.state,
        conditions=conditions,
        retry=decision.retry(job),
        run_id=identity.run_id,
        output_uri=plain(identity.run_uri, _MAX_URI),
        start_time=before.start_time or _start_time(observed, shards, decision, now),
        completion_time=(before.completion_time or now) if final else None,
        shards=_shard_counts(shards),
        batches=BatchCounts(done=totals.done, total=totals.total),
        rows=totals.rows,
        bad_rows=totals.bad_rows or None,
        dataset=_dataset(shards),
        rate=speed.rate,
        eta=speed.end,
        sealed_shards=format_ranges(shards.sealed),
        sealed_by="exitCode",
        failed_shards=format_ranges(shards.failed),
        pending_shards=format_ranges(shards.pending),
        cursors=",".join(map(str, shards.cursors)),
        claims=",".join(map(str, shards.claims)),
        shard_progress=shard_rows(shards, observed.reported.shards, before, final=final),
        metrics=totals.metrics,
        metrics_error=totals.metrics_error,
        attempts=totals.attempts,
        lost_work=max(before.lost_work or 0, min(observed.reported.lost, MAX_COUNT)),
        literal=before.literal or any(child.literal for child in observed.children) or None,
        replicas=count_running(observed)["worker"],
        selector=f"{LABEL_JOB_UID}={identity.uid},{LABEL_ROLE}=worker",
        display=_display(totals, shards, speed, now, conditions),
    )


def _display(
    totals: Totals, shards: Shards, speed: Estimate, now: datetime, conditions: list[Condition]
) -> Display:
    reason = worst_reason(conditions)
    return printer_columns(totals.done, totals.total, shards, speed, now, reason)


def _shard_counts(shards: Shards) -> ShardCounts:
    return ShardCounts(
        total=shards.total,
        succeeded=len(shards.done),
        running=len(shards.running),
        failed=len(shards.failed),
        pending=len(shards.pending),
    )


def _start_time(
    observed: Observed, shards: Shards, decision: Decision, now: datetime
) -> datetime | None:
    """When work was first seen to go on; if it was over before that, when Kubernetes began it."""
    if decision.state == "Running":
        return now
    worked = decision.state in SUCCESSFUL or shards.attempts or shards.done
    if not worked or decision.state not in ("Finalizing", *FINAL):
        return None
    begun = [one.started for one in observed.children if one.role == "worker"]
    # Our clock may be behind Kubernetes': nothing may have begun after its end.
    return min([now, *(time for time in begun if time is not None)])


def _dataset(shards: Shards) -> DatasetShape | None:
    shape = shards.shape
    if shape is None:
        return None
    return DatasetShape(rows=shape.rows, batches=shape.batches, batch_size=shape.batch_size)


def _estimate(job: Job, observed: Observed, shards: Shards, now: datetime) -> Estimate:
    spec = job.body.spec
    nowhere = sum(pod.alive and pod.unscheduled is not None for pod in observed.own_pods)
    slots = max(spec.parallelism - nowhere, 1) * spec.worker.processes_per_worker
    return estimate(shards, observed.reported.shards, slots=slots, before=job.before.eta, now=now)


def is_urgent(before: Status, after: Status) -> bool:
    """Whether more than progress has changed: then it is written at once.

    That pods start, end and fail is progress: in a large job some do at any time. So is why they do
    not start: ErrImagePull and ImagePullBackOff take turns as long as an image is missing. And that
    nothing else happens.
    """

    def important(status: Status) -> object:
        kinds = [
            (one.type, one.status, "" if one.type == "PodsStarting" else one.reason)
            for one in status.conditions
            if one.type not in ("Running", "PodsFailed")
            and (one.type, one.status) not in (("PodsStarting", "True"), ("Progressing", "True"))
            and (one.type != "Progressing" or not is_told_beside(status.conditions, one))
        ]
        return (status.state, status.observed_generation, status.retry, kinds, status.metrics)

    return important(before) != important(after)
