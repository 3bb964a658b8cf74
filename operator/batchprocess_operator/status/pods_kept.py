"""Pods in which our container has ended, and another one has not: they never end. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from batchprocess.kube.names import LABEL_JOB
from batchprocess_operator.model.conditions import Fact
from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed
from batchprocess_operator.model.words import counted

_PATIENCE = timedelta(seconds=20)
"""For a container that sees by itself that ours has ended."""
_CLOCKS = timedelta(seconds=60)
"""A node whose clock is further ahead does not say when a container has ended."""
_REMEDY = (
    "make it a native sidecar (an init container with restartPolicy: Always), or have what adds it "
    f"leave out pods with the label {LABEL_JOB}"
)


def pods_kept(observed: Observed, child: ChildJob | None, now: datetime) -> Fact | None:
    """That Progressing is False, for then the job waits for them for ever."""
    pods = [] if child is None else observed.pods_of(child)
    kept = [pod for pod in pods if _is_kept(pod, now)]
    if not kept:
        return None
    return Fact("Progressing", False, "PodKeptBySidecar", _sentence(kept))


def _is_kept(pod: ChildPod, now: datetime) -> bool:
    # One that is being deleted ends when its grace is over.
    if not pod.beside or pod.exit_code is None or pod.lost_at is not None:
        return False
    if pod.phase in ("Succeeded", "Failed"):
        return False
    return pod.ended_at is None or not -_CLOCKS < now - pod.ended_at < _PATIENCE


def _sentence(kept: Iterable[ChildPod]) -> str:
    first, *others = kept
    names = ", ".join(first.beside)
    more = f" ({counted(len(others), 'more pod')} like it)" if others else ""
    return (
        f"pod {first.name} does not end{more}: its container worker has ended with exit code "
        f"{first.exit_code}, and {names} has not. If that is a sidecar, {_REMEDY}"
    )
