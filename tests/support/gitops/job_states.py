"""A BatchProcessJob in each state, with the status that the operator writes then."""

from datetime import timedelta
from typing import Any

from batchprocess.api.schema import crd
from batchprocess.protocol.control import Indexed
from batchprocess_operator.model.names import MADE
from batchprocess_operator.model.observed import ChildJob, ChildPod, Reason
from batchprocess_operator.model.plan import Plan
from batchprocess_operator.model.reported import Reported, ShardReport
from support.operator.objects import (
    FINALIZER,
    NOW,
    WORKER,
    child,
    condition,
    ended,
    job,
    job_object,
    plan,
    pod,
    result,
    stamp,
)
from support.operator.planned import DONE, FAILED_INDEX

DEFAULTS = {"suspend": False, "retry": 0}
"""The CRD's, of fields that these tools look at."""
TOLERANT = {"failurePolicy": {"maxFailedShards": 1}}


def heard(shard: int, idle: float = 0, **more: Any) -> ShardReport:
    """A report that came just now, `idle` seconds after the last batch."""
    fields = {"claim": 3, "cursor": 5, "total": 9, "processed": 6, "phase": "running"}
    moved = NOW - timedelta(seconds=idle)
    more = fields | {"sealed": False, "received": NOW, "advanced": moved, "rate": 0.0} | more
    return ShardReport(shard=shard, **more)


def told(*reports: ShardReport) -> Reported:
    """What was heard of shards."""
    return Reported({one.shard: one for one in reports})


def written(planned: Plan, **spec: Any) -> dict[str, Any]:
    """The object with the status that was planned."""
    status = planned.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return job_object(status, **DEFAULTS | spec)


def seen(
    *children: ChildJob,
    pods: tuple[ChildPod, ...] = (),
    before: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """The object once the operator has looked at these children and pods."""
    return written(plan(job(before, **spec), children, pods, **more or {}), **spec)


def finalized(workers: ChildJob, failed: int = 0, **spec: Any) -> dict[str, Any]:
    """The object once its finalizer has ended well."""
    done = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
    said = result(failed_shards=failed, attempts=6)
    return seen(workers, done, pods=(pod(of=FINALIZER, code=0, said=said),), **spec)


def changed(made: dict[str, Any], *, meta: dict[str, Any] | None = None, **spec: Any) -> Any:
    """The object once somebody has edited it, and nobody has looked since."""
    return made | {"metadata": made["metadata"] | (meta or {}), "spec": made["spec"] | spec}


RAISED = ended(code=90, message="KeyError: 'a'")
NO_GPU = [
    {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
        "lastTransitionTime": stamp(-60),
    }
]
WAITING = pod(phase="Pending", state={}, taken=False, nodeName=None, conditions=NO_GPU)
FAILED = child(status={"conditions": [condition("Failed", "DeadlineExceeded", "too long")]})
SHARD_FAILED = seen(child(status=FAILED_INDEX), pods=(pod(2, code=90, said=RAISED),))
RUNNING = seen(child(), pods=(pod(0), pod(1)), more={"reported": told(heard(0), heard(1))})
LISTING = {"phase": "indexing", "cursor": 0, "indexed": Indexed(done=30, total=99)}

STATES: dict[str, dict[str, Any]] = {
    "new": job_object(crd.UNSEEN, **DEFAULTS),
    "created": seen(),
    "pending": seen(child()),
    "unschedulable": seen(child(created=-600), pods=(WAITING,)),
    "indexing": seen(child(), pods=(pod(0),), more={"reported": told(heard(0, 10, **LISTING))}),
    "running": RUNNING,
    "silent": seen(child(), pods=(pod(0),), more={"reported": told(heard(0, 9_000))}),
    "failing": seen(child(), pods=(pod(0, code=90, said=RAISED), pod(1))),
    "edited": changed(RUNNING, meta={"generation": 2}, parallelism=9),
    "suspending": seen(child(suspend=True), pods=(pod(0),), suspend=True),
    "suspended": seen(child(suspend=True), suspend=True),
    "scaled to zero": seen(child(parallelism=0), parallelism=0),
    "queued": seen(child(suspend=True, queue="gpus"), queueName="gpus"),
    "undone": seen(child(suspend=True), more={"undone": {WORKER: ("suspend",)}}),
    "deleted each time": seen(more={"undone": {WORKER: (MADE,)}}),
    "name taken": seen(more={"refused": {WORKER: Reason("NameConflict", "somebody else's Job")}}),
    "data lost": seen(
        child(),
        pods=(pod(0),),
        before={"cursors": "8,0,0,0", "claims": "2,0,0,0"},
        more={"reported": told(heard(0))},
    ),
    "finalizing": seen(child(status=DONE), child(FINALIZER), pods=(pod(of=FINALIZER),)),
    "complete": finalized(child(status=DONE)),
    "complete with failures": finalized(child(status=FAILED_INDEX), 1, **TOLERANT),
    "shards failed": SHARD_FAILED,
    "deadline": seen(FAILED),
    "retried": changed(SHARD_FAILED, meta={"generation": 2}, retry=1),
    "deleting": changed(RUNNING, meta={"deletionTimestamp": stamp(), "generation": 2}),
}
