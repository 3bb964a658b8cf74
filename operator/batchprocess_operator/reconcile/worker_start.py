"""Whether the workers have begun to run, and whether they should have by now. Pure."""

from datetime import datetime, timedelta

from batchprocess.api.status import State
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.job import Job
from batchprocess_operator.model.observed import ChildJob, Observed, Reason, is_running
from batchprocess_operator.status.standing_causes import with_causes


def worker_state(job: Job, observed: Observed, child: ChildJob) -> State:
    """Suspended and Queued once no pod is left: until then some may commit, or hold a GPU.

    Whoever has suspended it: nothing goes on.
    """
    if observed.is_held(child):
        return "Suspended" if job.body.spec.queue_name is None else "Queued"
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


def start_deadline(
    job: Job, observed: Observed, child: ChildJob, now: datetime
) -> tuple[float | None, Reason | None]:
    """Seconds until the first container must run, or that it is too late."""
    spec = job.body.spec
    asked = spec.suspend and spec.queue_name is None
    if child.started is None or child.suspend or asked or spec.parallelism == 0:
        return None, None
    if _has_started(job, observed, child):
        return None, None
    limit = spec.timeouts.start_seconds
    since = max(child.started, _held_until(job, now))
    left = (since + timedelta(seconds=limit) - now).total_seconds()
    if left > 0:
        return left, None
    late = (
        f"no pod of Job {child.name} was running {limit} s after it could start "
        "(spec.timeouts.startSeconds)"
    )
    return None, Reason("StartDeadlineExceeded", with_causes(late, job, observed, child))


def _held_until(job: Job, now: datetime) -> datetime:
    """Until when no pod was wanted: Kubernetes' startTime covers suspension only."""
    held = by_type(job.before.conditions).get("Suspended")
    if held is None:
        return job.identity.created
    return now if held.status == "True" else held.last_transition_time
