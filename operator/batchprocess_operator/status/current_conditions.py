"""Which conditions hold, from a decision and what is observed. Pure."""

from datetime import datetime

from batchprocess_operator.model.conditions import Fact, by_type
from batchprocess_operator.model.job import FINAL, SUCCESSFUL, Decision, Job
from batchprocess_operator.model.observed import Observed, Reason, count_running
from batchprocess_operator.model.reasons import FINALIZER_HELD, INVALID_SPEC, NAME_CONFLICT
from batchprocess_operator.model.words import counted
from batchprocess_operator.observe.data_loss import regressed
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.observe.unknown_fields import warning
from batchprocess_operator.status.changes_undone import being_deleted, changes_undone
from batchprocess_operator.status.pods_failed import pods_failed
from batchprocess_operator.status.pods_starting import pods_starting
from batchprocess_operator.status.progressing import progressing
from batchprocess_operator.status.source_changed import source_changed
from batchprocess_operator.status.standing_causes import failed_sentence
from batchprocess_operator.status.totals import bad_rows_told


def current_facts(
    job: Job, observed: Observed, shards: Shards, decision: Decision, now: datetime
) -> list[Fact]:
    """Every condition but those about lost nodes, most telling first."""
    if decision.state in FINAL:
        return [
            *_at_the_end(job, observed, shards, decision),
            *_metrics(job, decision),
            *_degraded(job, observed, shards),
            *source_changed(job, observed),
            *bad_rows_told(job, shards, decision),
        ]
    facts = [_running(observed, decision), _suspended(job, observed, decision)]
    if decision.blocked is not None:
        facts.append(_blocked(decision.blocked))
    if job.unknown:
        facts.append(warning(job.unknown, job.unsure))
    trouble = [
        *pods_starting(job, observed, decision.child, now),
        *pods_failed(job, observed, shards, decision),
    ]
    facts += progressing(job, observed, shards, decision, trouble, now)
    facts += trouble
    facts += _degraded(job, observed, shards)
    facts += source_changed(job, observed)
    facts += bad_rows_told(job, shards, decision)
    if not any(fact.type == "Stalled" for fact in facts):
        facts += (
            being_deleted(decision.child)
            or _not_as_wanted(job, observed)
            or _refused_later(decision)
        )
    if not observed.undone and decision.child is None and decision.state == "Pending":
        # For tools that wait until a job is under way; a run may last for days.
        facts.append(Fact("Reconciling", True, "CreatingJob", "the worker Job is being created"))
    return facts


def _at_the_end(job: Job, observed: Observed, shards: Shards, decision: Decision) -> list[Fact]:
    why = decision.failure
    if decision.state in SUCCESSFUL:
        reason = "Finished" if decision.state == "Complete" else "FinishedWithFailures"
        return [
            Fact("Complete", True, reason, _what_is_final(job, observed, shards, decision)),
            Fact("Failed", False, reason),
            Fact("Running", False, reason),
        ]
    reason, message = ("Failed", "") if why is None else (why.reason or "Failed", why.message)
    return [
        Fact("Complete", False, reason),
        Fact("Failed", True, reason, message),
        Fact("Running", False, reason),
        # Pods of a failed job that cannot be stopped go on.
        *(_not_as_wanted(job, observed) or [Fact("Stalled", True, reason, message)]),
    ]


def _blocked(why: Reason) -> Fact:
    kind, true = {NAME_CONFLICT: ("NameConflict", True), INVALID_SPEC: ("Stalled", True)}.get(
        why.reason, ("PodsStarting", False)
    )
    return Fact(kind, true, why.reason, why.message)


def _what_is_final(job: Job, observed: Observed, shards: Shards, decision: Decision) -> str:
    """Said when the job ends, while its pods are there; and then as it was."""
    known = by_type(job.before.conditions).get("Complete")
    if job.before.state in SUCCESSFUL and known is not None:
        return known.message
    workers = [child for child in observed.children if child.role == "worker"]
    newest = max(workers, key=lambda child: child.retry, default=None)
    if decision.state == "Complete" or newest is None:
        return "the run is final"
    return failed_sentence(observed, shards, newest)


def _running(observed: Observed, decision: Decision) -> Fact:
    pods = count_running(observed)
    count = pods["worker"] + pods["finalizer"]
    if count:
        return Fact("Running", True, "PodsRunning", counted(count, "pod"))
    # Not the state's name: "Running is False because Running" would tell nobody anything.
    reason = "NoPodNow" if decision.state == "Running" else decision.state
    return Fact("Running", False, reason, "no pod runs at this moment")


def _suspended(job: Job, observed: Observed, decision: Decision) -> Fact:
    """Its time says since when pods may start; see `worker_start`."""
    child = decision.child
    if child is not None and child.role == "finalizer" and observed.is_held(child):
        return Fact("Suspended", True, FINALIZER_HELD, "the finalizer's Job is suspended")
    if decision.state in ("Suspended", "Queued"):
        return Fact("Suspended", True, decision.state)
    if decision.state == "Pending" and job.body.spec.parallelism == 0:
        return Fact("Suspended", True, "ScaledToZero", "spec.parallelism is 0")
    return Fact("Suspended", False, decision.state)


def _not_as_wanted(job: Job, observed: Observed) -> list[Fact]:
    """What was asked for is not done, or does not last; only a person can help."""
    return _unchangeable(observed) or changes_undone(job.before.conditions, observed)


def _refused_later(decision: Decision) -> list[Fact]:
    later = decision.later
    return [] if later is None else [Fact("Stalled", True, later.reason, later.message)]


def _unchangeable(observed: Observed) -> list[Fact]:
    if not observed.unchangeable:
        return []
    name, why = min(observed.unchangeable.items())
    others = len(observed.unchangeable) - 1
    message = f"{name} cannot be changed: {why.message}" + (f"; {others} more" if others else "")
    return [Fact("Stalled", True, why.reason, message)]


def _metrics(job: Job, decision: Decision) -> list[Fact]:
    if decision.result is None:
        # Said when the job ended; a final status is only ever written again as it was.
        return [
            Fact(one.type, one.status == "True", one.reason, one.message)
            for one in job.before.conditions
            if one.type == "MetricsReduced"
        ]
    error = decision.result.metrics_error
    if error is None:
        return [Fact("MetricsReduced", True, "Reduced")]
    return [Fact("MetricsReduced", False, "ReducerFailed", error)]


def _degraded(job: Job, observed: Observed, shards: Shards) -> list[Fact]:
    """Storage has lost records that it had: said for as long as the job lives."""
    known = by_type(job.before.conditions).get("Degraded")
    before = known.message if known is not None and known.status == "True" else ""
    lost = regressed(job.before, observed, shards.total)
    fresh = [
        f"shard {shard} from {was} to {now}"
        for shard, (was, now) in lost.items()
        # What was first said of a shard stays: the sources give one loss in different numbers.
        if f"shard {shard} from " not in before
    ]
    if not before and not fresh:
        return []
    head = before or "was the bucket restored? Committed batches in storage went back"
    return [Fact("Degraded", True, "DataLoss", "; ".join([head, *fresh]))]
