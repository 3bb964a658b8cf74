"""What a pod's status says besides its phase and our container's exit code. Pure."""

from collections.abc import Mapping
from typing import Any

from batchprocess.kube.names import WORKER_CONTAINER
from batchprocess.plain_text import plain
from batchprocess_operator.model.names import GATE_ELASTIC
from batchprocess_operator.model.observed import Reason

Raw = Mapping[str, Any]
DEFAULT_SCHEDULER = "default-scheduler"
_MAX_NAMED = 3
_MAX_NAME = 63
_MAX_GATE = 253


def containers_beside(status: Raw) -> tuple[str, ...]:
    """Some plain containers besides ours that have not ended: while one has not, no pod does.

    Kubernetes ends native sidecars, which are init containers, by itself.
    """
    going = (
        plain(str(one.get("name")), _MAX_NAME)
        for one in status.get("containerStatuses") or ()
        if one.get("name") != WORKER_CONTAINER and "terminated" not in (one.get("state") or {})
    )
    return tuple(going)[:_MAX_NAMED]


def pod_failure(status: Raw) -> Reason | None:
    """Why a pod has failed as a whole, and not by our container.

    Its node has refused or ended it: UnexpectedAdmissionError, OutOfcpu, DeadlineExceeded, Evicted.
    (Where a node runs full the pod is also marked as disrupted; one that used more storage than its
    own limit is not, and counts as failed.) Or another container has failed.
    """
    if status.get("phase") != "Failed":
        return None
    if status.get("reason"):
        return Reason(plain(status["reason"], _MAX_NAME), plain(status.get("message") or ""))
    codes = {
        one.get("name"): ((one.get("state") or {}).get("terminated") or {}).get("exitCode")
        for one in status.get("containerStatuses") or ()
    }
    if codes.pop(WORKER_CONTAINER, None) != 0:
        return None
    failed = (f"container {plain(str(k), _MAX_NAME)}: exit code {v}" for k, v in codes.items() if v)
    found = next(failed, None)
    return None if found is None else Reason("SidecarFailed", found)


def unscheduled(spec: Raw, condition: Raw) -> Reason | None:
    """Why the scheduler has no node for it, or does not look for one; `condition` PodScheduled."""
    reason = condition.get("reason")
    if condition.get("status") != "False" or reason not in ("Unschedulable", "SchedulingGated"):
        return None
    message = plain(condition.get("message") or "")
    if reason == "Unschedulable":
        return Reason(reason, message)
    gates = [plain(str(one.get("name")), _MAX_GATE) for one in spec.get("schedulingGates") or ()]
    if gates == [GATE_ELASTIC]:
        return Reason(reason, "its queue has no room for so many workers yet (spec.parallelism)")
    named = ", ".join(gates[:_MAX_NAMED])
    why = f"nobody has taken away its scheduling gates: {named}" if named else message
    return Reason(reason, why)
