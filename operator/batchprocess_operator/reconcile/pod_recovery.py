"""What pods need from us besides existing: a short back-off, and an end on lost nodes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.conditions import Fact
from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed
from batchprocess_operator.model.plan import Action, GiveUpPod, ResetBackoff
from batchprocess_operator.model.words import counted

_NOBODYS_FAULT = frozenset({ExitCode.STOPPED, ExitCode.FENCED, ExitCode.STORAGE})
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Recovery:
    """Actions on pods, the condition that they are waited for, seconds until more is due."""

    actions: tuple[Action, ...] = ()
    facts: tuple[Fact, ...] = ()
    due: tuple[float, ...] = ()


def recover_pods(
    observed: Observed, children: Iterable[ChildJob], lost_node_seconds: int | None, now: datetime
) -> Recovery:
    """For pods of `children`, those that still run."""
    mine = {child.uid for child in children}
    pods = [pod for pod in observed.pods if pod.child_uid in mine]
    resets = tuple(ResetBackoff(pod.name, pod.uid) for pod in pods if needs_reset(pod))
    stuck = [pod for pod in pods if _is_lost(pod, observed, now)]
    if not stuck:
        return Recovery(resets)
    named = ", ".join(f"{pod.name} on {pod.node}" for pod in stuck[:_MAX_NAMED])
    fact = Fact(
        "WaitingForNode",
        true=True,
        reason="NodeLost",
        message=(
            f"{counted(len(stuck), 'pod')} cannot be stopped because the node is gone: {named}"
        ),
    )
    if lost_node_seconds is None:
        return Recovery(resets, (fact,))
    left = {pod.uid: _seconds_left(pod, lost_node_seconds, now) for pod in stuck}
    given_up = tuple(
        GiveUpPod(pod.name, pod.uid, pod.node or "") for pod in stuck if left[pod.uid] <= 0
    )
    due = tuple(seconds for seconds in left.values() if seconds > 0)
    return Recovery((*resets, *given_up), (fact,), due)


def needs_reset(pod: ChildPod) -> bool:
    """Whether its index waits longer than it must: Kubernetes doubles the wait each time.

    Only pods that have failed: on a live one the count would be wrong by the time it ends.
    """
    if pod.phase != "Failed" or pod.ignored == 0:
        return False
    return pod.disrupted or pod.exit_code in _NOBODYS_FAULT


def _is_lost(pod: ChildPod, observed: Observed, now: datetime) -> bool:
    over = pod.lost_at is not None and pod.lost_at <= now
    return over and pod.phase not in ("Failed", "Succeeded") and pod.node in observed.lost_nodes


def _seconds_left(pod: ChildPod, lost_node_seconds: int, now: datetime) -> float:
    assert pod.lost_at is not None  # noqa: S101  _is_lost
    return (pod.lost_at + timedelta(seconds=lost_node_seconds) - now).total_seconds()
