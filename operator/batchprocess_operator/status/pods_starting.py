"""Why pods do not start, as a condition with the reason that a person can act on. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from batchprocess.api.status import Condition
from batchprocess_operator.model.conditions import Fact
from batchprocess_operator.model.job import Job, said_about
from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed, Reason
from batchprocess_operator.model.words import counted, folded

_SAYS_WHY = timedelta(seconds=30)
_MAX_COMPARED = 200
_NO_MODULE = ("No module named batchprocess", "No module named 'batchprocess'")


def pods_starting(
    job: Job, observed: Observed, child: ChildJob | None, now: datetime
) -> tuple[Fact, ...]:
    """PodsStarting: False with the commonest reason, True while pods start, absent otherwise."""
    if child is None or child.ended or child.suspend:
        return ()
    reasons = reasons_not_starting(observed, child)
    if reasons:
        return (_not_starting(reasons),)
    pods = _pods(observed, child)
    known = said_about(job.before, child).get("PodsStarting")
    if known is not None and known.status == "False" and _is_stuck_still(known, child, pods, now):
        return (Fact("PodsStarting", true=False, reason=known.reason, message=known.message),)
    waiting = sum(pod.alive and not pod.started for pod in pods)
    if waiting:
        message = counted(waiting, "pod")
        return (Fact("PodsStarting", true=True, reason="Starting", message=message),)
    return ()


def _is_stuck_still(
    known: Condition, child: ChildJob, pods: Iterable[ChildPod], now: datetime
) -> bool:
    """Whether no pod has come further, nor waits for longer than it takes to say why.

    Pods that cannot start are replaced, and each new one says nothing at first.
    """
    if child.parallelism == 0 or known.last_transition_time < child.created:
        return False  # the latter said why there was no such Job
    return not any(
        pod.started or pod.created < now - _SAYS_WHY
        if pod.alive
        else pod.ended_at is not None and pod.ended_at > known.last_transition_time
        for pod in pods
    )


def reasons_not_starting(observed: Observed, child: ChildJob) -> list[Reason]:
    """One for each pod that does not start, where it is known; for the Job if it has no pod."""
    pods = _pods(observed, child)
    reasons = [reason for pod in pods if (reason := _reason(pod, observed)) is not None]
    if not reasons and not pods and child.name in observed.trouble:
        # No pod at all: a quota, or an admission rule, and the Job's events say which.
        return [observed.trouble[child.name]]
    return reasons


def _pods(observed: Observed, child: ChildJob) -> list[ChildPod]:
    return [pod for pod in observed.pods if pod.child_uid == child.uid]


def _not_starting(reasons: Iterable[Reason]) -> Fact:
    """The commonest, whatever numbers and addresses its pods name."""
    alike: dict[tuple[str, str], tuple[int, Reason]] = {}
    for one, times in Counter(reasons).most_common(_MAX_COMPARED):
        count, first = alike.get(key := (one.reason, folded(one.message)), (0, one))
        alike[key] = count + times, first
    count, worst = max(alike.values(), key=lambda found: found[0])
    message = f"{counted(count, 'pod')}: {worst.message}"
    return Fact("PodsStarting", true=False, reason=worst.reason, message=message)


def _reason(pod: ChildPod, observed: Observed) -> Reason | None:
    if pod.phase == "Failed":
        return never_ran(pod)
    if pod.started or not pod.alive:
        return None
    if pod.unscheduled is not None:
        return pod.unscheduled
    return pod.waiting or observed.trouble.get(pod.name)


def never_ran(pod: ChildPod) -> Reason | None:
    """The container began, and the agent in it did not."""
    if pod.died is None or pod.termination is not None:
        return None
    if any(text in pod.died.message for text in _NO_MODULE):
        return Reason(
            "ImageWithoutBatchprocess",
            "the image's interpreter (spec.worker.python) has no batchprocess installed",
        )
    if pod.died.reason in ("StartError", "ContainerCannotRun"):
        return Reason(pod.died.reason, pod.died.message)
    return None
