"""The state of a job, and what is to be done about its children. Pure.

Level-triggered: everything follows from the job, its last status and what is observed now, so it
may run twice, late, or in two operators at once. Whatever it wants created has one name, whatever
it wants changed is what it should be, and a final state is never left except by a retry.
"""

from datetime import datetime, timedelta

from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.job import SUCCESSFUL, Decision, Job
from batchprocess_operator.model.observed import ChildJob, Observed, Reason
from batchprocess_operator.model.plan import Action, DeleteJob
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.reconcile.finalizer_job import finalize, is_finalizing
from batchprocess_operator.reconcile.worker_job import all_succeeded, begin, stop, work


def decide(job: Job, observed: Observed, shards: Shards, now: datetime) -> Decision:
    """The next state; see the module."""
    before, spec = job.before, job.body.spec
    retrying = spec.retry > before.retry
    if before.state in SUCCESSFUL or (before.state == "Failed" and not retrying):
        return _finished(job, observed, now)
    if is_finalizing(job, observed, shards):
        return finalize(job, observed, shards)
    workers = [child for child in observed.children if child.role == "worker"]
    newest = max(workers, key=lambda child: child.retry, default=None)
    if newest is None or _makes_room(newest, job):
        return begin(job, observed, shards)
    return work(job, observed, shards, newest, now)


def _makes_room(child: ChildJob, job: Job) -> bool:
    """Whether a retry may begin, or has: two worker Jobs at once would fence each other's pods.

    One that is not over although the job has failed is suspended by us, and stays so.
    """
    over = child.ended or job.before.state == "Failed" or job.before.retry > child.retry
    return child.retry < job.body.spec.retry and over and not all_succeeded(child)


def _finished(job: Job, observed: Observed, now: datetime) -> Decision:
    before, ttl = job.before, job.body.spec.ttl_seconds_after_finished
    state = before.state or "Failed"
    failure = by_type(before.conditions).get("Failed")
    reason: Reason | None = None
    actions: tuple[Action, ...] = ()
    if state == "Failed":
        reason = None if failure is None else Reason(failure.reason, failure.message)
        actions = stop(job, observed)
    stay = Decision(state, actions, failure=reason)
    if ttl is None or before.completion_time is None or not observed.children:
        return stay
    left = (before.completion_time + timedelta(seconds=ttl) - now).total_seconds()
    if left > 0:
        return Decision(state, actions, failure=reason, due=(left,))
    gone = tuple(DeleteJob(child.name, child.uid) for child in observed.children)
    return Decision(state, gone, failure=reason)
