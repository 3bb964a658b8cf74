"""The worker Job: begun, adjusted, and found to have failed or to be done. Pure."""

from datetime import datetime, timedelta
from typing import Any

from batchprocess.api.status import State
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.manifests.jobs import worker_job
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.index_ranges import format_ranges
from batchprocess_operator.model.job import Decision, Job
from batchprocess_operator.model.names import worker_job_name
from batchprocess_operator.model.observed import (
    ChildJob,
    Observed,
    Reason,
    is_running,
    message_of_exit,
)
from batchprocess_operator.model.plan import Action, CreateJob, DeleteJob, PatchJob
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.reconcile.finalizer_job import finalize
from batchprocess_operator.reconcile.refusals import refused
from batchprocess_operator.status.pods_failed import last_message

_MAX_NAMED = 3


def begin(job: Job, observed: Observed, shards: Shards) -> Decision:
    """No worker Job of this retry is there: the first time, or it was deleted by hand."""
    identity, spec = job.identity, job.body.spec
    name = worker_job_name(identity.name, identity.uid, spec.retry)
    if name in observed.refused:
        return refused(observed.refused[name], "Pending")
    todo = frozenset(range(spec.shards)) - shards.sealed if spec.retry else None
    if todo is not None and not todo:
        return finalize(job, observed)
    try:
        manifest = worker_job(job.body, identity, job.report_address, todo)
    except InvalidArgument as error:
        return Decision("Failed", failure=Reason("InvalidSpec", str(error)))
    return Decision("Pending", (*stop(job, observed), CreateJob(manifest)))


def work(job: Job, observed: Observed, shards: Shards, child: ChildJob, now: datetime) -> Decision:
    """The worker Job is there."""
    if all_succeeded(child):
        return finalize(job, observed)
    failure = _failure(job, observed, shards, child)
    if failure is None and child.ended:
        return finalize(job, observed)
    due, late = _start_deadline(job, observed, child, now)
    failure = failure or late
    if failure is not None:
        # Said first and stopped by the next pass, which finds a final state: a verdict about time
        # would not be found again in a Job that has been suspended.
        return Decision("Failed", failure=failure, child=child, due=(0.0,))
    return Decision(
        _state(job, observed, child), _adjust(job, child), child=child, due=(due,) if due else ()
    )


def _failure(job: Job, observed: Observed, shards: Shards, child: ChildJob) -> Reason | None:
    """Why the job has failed by its workers; None also where failed shards are tolerated."""
    tolerated = job.body.spec.failure_policy.max_failed_shards
    ended = child.failure
    some_failed = Reason("ShardsFailed", _failed_sentence(shards, observed, child))
    if tolerated is not None and len(shards.failed) > tolerated:
        return some_failed
    if ended is None:
        return None
    if ended.reason == "FailedIndexes":
        return some_failed if tolerated is None else None
    if ended.reason == "MaxFailedIndexesExceeded":
        return some_failed
    if ended.reason == "PodFailurePolicy":
        message = message_of_exit(observed, child, int(ExitCode.CANNOT_WORK))
        return Reason("CannotWork", message or ended.message)
    return ended


def _failed_sentence(shards: Shards, observed: Observed, child: ChildJob) -> str:
    ended = [pod for pod in observed.pods_of(child) if pod.index in child.failed_indexes]
    messages = dict.fromkeys(text for pod in ended if (text := last_message(pod)))
    why = "".join(f"; {text}" for text in list(messages)[-_MAX_NAMED:])
    return f"failed shards: {format_ranges(shards.failed)}{why}"


def stop(job: Job, observed: Observed) -> tuple[Action, ...]:
    """What ends the worker Jobs of a job that has failed, by our own verdict or Kubernetes'.

    Kueue's Jobs are not ours to suspend.
    """
    going = [c for c in observed.children if c.role == "worker" and not c.ended]
    if job.body.spec.queue_name is not None:
        return tuple(DeleteJob(child.name, child.uid) for child in going)
    return tuple(
        PatchJob(child.name, child.uid, {"suspend": True}) for child in going if not child.suspend
    )


def _adjust(job: Job, child: ChildJob) -> tuple[Action, ...]:
    """The fields that may change while a child lives."""
    spec = job.body.spec
    wanted: dict[str, Any] = {"activeDeadlineSeconds": spec.timeouts.active_deadline_seconds}
    found: dict[str, Any] = {"activeDeadlineSeconds": child.deadline}
    if spec.queue_name is None:
        wanted |= {"parallelism": spec.parallelism, "suspend": spec.suspend}
        found |= {"parallelism": child.parallelism, "suspend": child.suspend}
    changed = {key: value for key, value in wanted.items() if value != found[key]}
    return (PatchJob(child.name, child.uid, changed),) if changed else ()


def _state(job: Job, observed: Observed, child: ChildJob) -> State:
    spec = job.body.spec
    if spec.queue_name is not None and child.suspend:
        return "Queued"
    if spec.queue_name is None and spec.suspend:
        return "Suspended"
    pods = observed.pods_of(child)
    if any(is_running(pod) for pod in pods) or _has_started(job, observed, child):
        return "Running"
    return "Pending"


def _has_started(job: Job, observed: Observed, child: ChildJob) -> bool:
    """Whether a container of this child ran since it was created, or resumed."""
    since = child.started
    if since is None:
        # Kubernetes sets it soon after the Job's creation or resumption, and not at once.
        return False
    running = by_type(job.before.conditions).get("Running")
    # It may have ended again, its pods be gone and we be another process: a False that came after
    # a True is as good. The first False of all comes before startTime is set.
    ran = job.before.start_time is not None
    if running is not None and ran and running.last_transition_time >= since:
        return True
    return any(pod.started and pod.created >= since for pod in observed.pods_of(child))


def _start_deadline(
    job: Job, observed: Observed, child: ChildJob, now: datetime
) -> tuple[float | None, Reason | None]:
    """Seconds until the first container must run, or that it is too late."""
    spec = job.body.spec
    if child.started is None or child.suspend or spec.parallelism == 0:
        return None, None
    if _has_started(job, observed, child):
        return None, None
    limit = spec.timeouts.start_seconds
    since = max(child.started, _held_until(job, now))
    left = (since + timedelta(seconds=limit) - now).total_seconds()
    if left > 0:
        return left, None
    return None, Reason(
        "StartDeadlineExceeded",
        f"no pod of Job {child.name} was running {limit} s after it could start "
        "(spec.timeouts.startSeconds)",
    )


def _held_until(job: Job, now: datetime) -> datetime:
    """Until when no pod was wanted: Kubernetes' startTime covers suspension only."""
    held = by_type(job.before.conditions).get("Suspended")
    if held is None:
        return job.identity.created
    return now if held.status == "True" else held.last_transition_time


def all_succeeded(child: ChildJob) -> bool:
    """Every index ended with exit code 0."""
    # Not its Complete condition: that waits for pods on lost nodes.
    return child.succeeded >= child.completions
