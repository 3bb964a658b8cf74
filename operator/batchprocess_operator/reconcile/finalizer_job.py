"""The finalizer Job: made once every shard is sealed, or the tolerated number has failed. Pure."""

from collections.abc import Iterable
from typing import Any

from batchprocess.api.status import State
from batchprocess.protocol.termination import Result
from batchprocess_operator.manifests.finalizer_template import finalizer_digest
from batchprocess_operator.manifests.jobs import finalizer_job
from batchprocess_operator.model.job import Decision, Job, was_finalizing
from batchprocess_operator.model.names import finalizer_job_name
from batchprocess_operator.model.observed import (
    ChildJob,
    ChildPod,
    Observed,
    Reason,
)
from batchprocess_operator.model.plan import CreateJob, DeleteJob, PatchJob
from batchprocess_operator.model.reasons import INVALID_SPEC
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.reconcile.finalizer_failure import finalizer_failure
from batchprocess_operator.reconcile.refusals import refused
from batchprocess_operator.reconcile.run_spelling import spelling_of_run


def finalize(job: Job, observed: Observed, shards: Shards) -> Decision:
    """Make the finalizer, wait for it, and take its result for how the run ended."""
    identity = job.identity
    name = finalizer_job_name(identity.name, identity.uid, job.body.spec.retry)
    made = [child for child in observed.children if child.role == "finalizer"]
    child = max(made, key=lambda one: one.retry, default=None)
    if child is None or (child.failure is not None and child.retry < job.body.spec.retry):
        if name in observed.refused:
            return refused(observed.refused[name], "Finalizing")
        if job.unsure:
            return Decision("Finalizing", blocked=Reason(INVALID_SPEC, job.unsure))
        spell = spelling_of_run(job.before, observed)
        manifest = finalizer_job(job.body, identity, _may_be_closed(job, shards), spell)
        return Decision("Finalizing", (CreateJob(manifest),))
    if child.failure is not None:
        failure = finalizer_failure(job, observed, child)
        return Decision("Failed", failure=failure, child=child)
    if "Complete" not in child.conditions and not child.succeeded:
        return _wait(job, observed, child)
    pods = observed.pods_of(child)
    result = _result(pods)
    if result is None:
        return _without_result(child, pods)
    state: State = "CompleteWithFailures" if result.failed_shards else "Complete"
    return Decision(state, result=result, child=child)


def _wait(job: Job, observed: Observed, child: ChildJob) -> Decision:
    """It is at work or will be: we resume it, unless that is Kueue's to do."""
    if is_outdated(job, child):
        return Decision("Finalizing", (DeleteJob(child.name, child.uid),), child=child)
    wanted: dict[str, Any] = {}
    deadline = job.body.spec.finalizer.active_deadline_seconds
    if child.deadline != deadline:
        wanted["activeDeadlineSeconds"] = deadline
    if child.suspend and not child.queued:
        wanted["suspend"] = False
    state: State = "Queued" if child.queued and observed.is_held(child) else "Finalizing"
    return Decision(
        state, (PatchJob(child.name, child.uid, wanted),) if wanted else (), child=child
    )


def is_outdated(job: Job, child: ChildJob) -> bool:
    """Whether the job asks for another finalizer than when `child` was made, either of the two.

    Two finalizers at work do each other no harm. A child that does not say which it was made with
    is an older operator's, and one of a job with fields that we do not know may be a newer one's.
    """
    return not job.unsure and child.finalizer not in (None, finalizer_digest(job.body))


def _may_be_closed(job: Job, shards: Shards) -> frozenset[int]:
    """Failed shards, where the job tolerates any: being closed is for good."""
    tolerated = job.body.spec.failure_policy.max_failed_shards
    return shards.failed if tolerated is not None else frozenset()


def _without_result(child: ChildJob, pods: Iterable[ChildPod]) -> Decision:
    """The finalizer has ended well, as its Job says; its pod's result is not known."""
    if any(pod.exit_code == 0 for pod in pods):
        no_result = (
            "the finalizer ended with exit code 0 and without a result in its termination message: "
            "is the batchprocess in the image older than the operator?"
        )
        return Decision("Failed", failure=Reason("FinalizerFailed", no_result), child=child)
    if any(pod.alive for pod in pods):
        # The Job's event came before its pod's, which is on its way.
        return Decision("Finalizing", child=child)
    # Its pod was deleted before we read it. Finalizing a final run only reports it again.
    return Decision("Finalizing", (DeleteJob(child.name, child.uid),), child=child)


def _result(pods: Iterable[ChildPod]) -> Result | None:
    for pod in pods:
        if pod.termination is not None and pod.termination.result is not None:
            return pod.termination.result
    return None


def is_finalizing(job: Job, observed: Observed, shards: Shards) -> bool:
    """Whether all is left to a finalizer: one is at work, or wanted again.

    After one that has failed a retry has workers look at every shard that is not known to be
    complete: they end at once where it is sealed, and what nobody may close they finish.
    """
    made = [child for child in observed.children if child.role == "finalizer"]
    newest = max(made, key=lambda one: one.retry, default=None)
    before, retry = job.before, job.body.spec.retry
    failed = newest is not None and newest.failure is not None
    sealed = len(shards.sealed) == shards.total
    finalizing = was_finalizing(before)
    if sealed and finalizing:
        # Whichever Jobs are left: no worker has anything to do.
        return True
    if newest is None:
        return finalizing
    workers = [child.retry for child in observed.children if child.role == "worker"]
    if newest.retry < max([*workers, 0]):
        return False
    return not failed or newest.retry >= retry or sealed
