"""The worker Job: begun, adjusted, and found to have failed or to be done. Pure."""

from datetime import datetime
from typing import Any

from batchprocess.protocol.errors import InvalidArgument
from batchprocess_operator.manifests.finalizer_template import finalizer_digest
from batchprocess_operator.manifests.jobs import finalizer_job, worker_job
from batchprocess_operator.model.job import Decision, Job
from batchprocess_operator.model.names import worker_job_name
from batchprocess_operator.model.observed import (
    ChildJob,
    Observed,
    Reason,
)
from batchprocess_operator.model.plan import (
    Action,
    CheckFinalizer,
    CreateJob,
    DeleteJob,
    PatchJob,
)
from batchprocess_operator.model.reasons import INVALID_SPEC
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.reconcile.finalizer_job import finalize, is_outdated
from batchprocess_operator.reconcile.refusals import refused
from batchprocess_operator.reconcile.run_spelling import spelling_of_run
from batchprocess_operator.reconcile.worker_failure import worker_failure
from batchprocess_operator.reconcile.worker_start import start_deadline, worker_state


def begin(job: Job, observed: Observed, shards: Shards) -> Decision:
    """No worker Job of this retry is there: the first time, or it was deleted by hand."""
    identity, spec = job.identity, job.body.spec
    if job.refusal:
        return Decision("Failed", failure=Reason(INVALID_SPEC, job.refusal))
    name = worker_job_name(identity.name, identity.uid, spec.retry)
    if name in observed.refused:
        return refused(observed.refused[name], "Pending")
    todo = frozenset(range(spec.shards)) - shards.sealed if spec.retry else None
    if todo is not None and not todo:
        return finalize(job, observed, shards)
    if job.unsure:
        return Decision("Pending", blocked=Reason(INVALID_SPEC, job.unsure))
    spell = spelling_of_run(job.before, observed)
    try:
        manifest = worker_job(job.body, identity, job.report_address, todo, spell)
        finalizer = finalizer_job(job.body, identity, spell=spell)
    except InvalidArgument as error:
        return Decision("Failed", failure=Reason(INVALID_SPEC, str(error)))
    return Decision("Pending", (*stop(job, observed), CreateJob(manifest, later=finalizer)))


def work(job: Job, observed: Observed, shards: Shards, child: ChildJob, now: datetime) -> Decision:
    """The worker Job is there."""
    spec = job.body.spec
    if all_succeeded(child):
        return finalize(job, observed, shards)
    failure = worker_failure(job, observed, shards, child)
    if failure is None and child.ended:
        return finalize(job, observed, shards)
    due, late = start_deadline(job, observed, child, now)
    failure = failure or late
    if failure is not None:
        # Said first and stopped by the next pass, which finds a final state: a verdict about time
        # would not be found again in a Job that has been suspended.
        return Decision("Failed", failure=failure, child=child, due=(0.0,))
    if spec.elastic and child.old_workload and not observed.has_live_pods(child):
        # Kueue would try to start it, and fail: another one it can start.
        return Decision("Queued", (DeleteJob(child.name, child.uid),), child=child)
    actions, refusal = _adjust(job, child), None
    if is_outdated(job, child):
        check = _check_finalizer(job, observed, child)
        refusal = observed.refused.get(check.name)
        actions += (check,) if refusal is None else ()
    state = worker_state(job, observed, child)
    return Decision(state, actions, later=refusal, child=child, due=(due,) if due else ())


def _check_finalizer(job: Job, observed: Observed, child: ChildJob) -> CheckFinalizer:
    """Of what spec.finalizer says since the worker Job was made: a refusal comes early enough."""
    spell = spelling_of_run(job.before, observed)
    manifest = finalizer_job(job.body, job.identity, spell=spell)
    return CheckFinalizer(manifest, child.name, child.uid, finalizer_digest(job.body))


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
        wanted["suspend"], found["suspend"] = spec.suspend, child.suspend
    if spec.queue_name is None or spec.elastic:
        wanted["parallelism"], found["parallelism"] = spec.parallelism, child.parallelism
    changed = {key: value for key, value in wanted.items() if value != found[key]}
    return (PatchJob(child.name, child.uid, changed),) if changed else ()


def all_succeeded(child: ChildJob) -> bool:
    """Every index ended with exit code 0."""
    # Not its Complete condition: that waits for pods on lost nodes.
    return child.succeeded >= child.completions
