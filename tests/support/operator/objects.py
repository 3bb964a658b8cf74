"""Objects as an API server sends them, for tests of the operator's pure parts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from batchprocess.kube.names import (
    ANNOTATION_SHARDS,
    LABEL_INDEX,
    LABEL_JOB_UID,
    LABEL_ROLE,
)
from batchprocess.protocol.job_object import API_VERSION, KIND
from batchprocess.protocol.termination import Result, ShardEnd, Termination
from batchprocess_operator.model.job import Job
from batchprocess_operator.model.names import ANNOTATION_IGNORED, ANNOTATION_RETRY, LABEL_QUEUE
from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed
from batchprocess_operator.model.plan import Plan
from batchprocess_operator.observe.read_children import child_of, pod_of
from batchprocess_operator.observe.read_job import read_job
from batchprocess_operator.reconcile.reconcile import reconcile

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
UID = "0a1b2c3d-1111-2222-3333-444455556666"
WORKER, FINALIZER = "digits-0a1b2c3d", "digits-0a1b2c3d-fin"


def stamp(seconds: float = 0) -> str:
    """RFC 3339, `seconds` after NOW."""
    return f"{NOW + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def job_object(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A stored BatchProcessJob of four shards, two at a time."""
    base = {"image": "digits:1", "command": ["python", "inference.py"]}
    base |= {"shards": 4, "parallelism": 2, "output": {"uri": "s3://bucket/out"}}
    meta = {"name": "digits", "namespace": "team", "uid": UID, "generation": 1}
    meta |= {"creationTimestamp": stamp(-100), "resourceVersion": "1"}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": meta,
        "spec": base | spec,
        "status": status or {},
    }


def job(status: dict[str, Any] | None = None, **spec: Any) -> Job:
    """The same, read."""
    return read_job(job_object(status, **spec), None)


def child(name: str = WORKER, **fields: Any) -> ChildJob:
    """A child Job. `status`, `retry`, `shards`, `created` (seconds); all else goes into spec.

    `queue`: of its label; `managers`: field -> who has set it; `meta`: more metadata.
    """
    notes = {ANNOTATION_RETRY: str(fields.pop("retry", 0))}
    if "shards" in fields:
        notes[ANNOTATION_SHARDS] = fields.pop("shards")
    status, created = fields.pop("status", {}), stamp(fields.pop("created", -60))
    fields_of_meta = fields.pop("meta", {})
    queue, managers = fields.pop("queue", None), fields.pop("managers", {})
    role = "finalizer" if "-fin" in name else "worker"
    spec = {"completions": 1 if role == "finalizer" else 4, "parallelism": 2}
    spec |= {"activeDeadlineSeconds": 86_400} if role == "finalizer" else {}
    spec |= fields
    meta = {"name": name, "uid": f"uid-{name}", "resourceVersion": "1"}
    meta |= {"labels": {LABEL_JOB_UID: UID, LABEL_ROLE: role}, "annotations": notes}
    meta |= {"ownerReferences": [{"controller": True, "uid": UID}], "creationTimestamp": created}
    meta["labels"] |= {} if queue is None else {LABEL_QUEUE: queue}
    meta |= fields_of_meta
    meta["managedFields"] = [
        {"manager": who, "fieldsV1": {"f:spec": {f"f:{name}": {}}}}
        for name, who in managers.items()
    ]
    return child_of({"metadata": meta, "spec": spec, "status": {"startTime": created} | status})


def condition(kind: str, reason: str = "", message: str = "") -> dict[str, str]:
    """A condition that is True."""
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def pod(index: int = 0, **fields: Any) -> ChildPod:
    """A running pod of WORKER. `code`: it has ended; `said`: its termination message.

    `over`: when, in seconds; `beside`: names of other containers, which still run.
    """
    of, created = fields.pop("of", WORKER), stamp(fields.pop("created", -50))
    code, said = fields.pop("code", None), fields.pop("said", None)
    name = fields.pop("name", f"{of}-{index}-{created}")
    phase = fields.pop("phase", "Running" if code is None else "Failed" if code else "Succeeded")
    role = "finalizer" if "-fin" in of else "worker"
    meta: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "creationTimestamp": created}
    meta["resourceVersion"] = "1"
    meta["labels"] = {LABEL_JOB_UID: UID, LABEL_ROLE: role, LABEL_INDEX: str(index)}
    meta["annotations"] = {ANNOTATION_IGNORED: str(fields.pop("ignored", 0))}
    meta["ownerReferences"] = [{"controller": True, "uid": f"uid-{of}"}]
    if "deleted" in fields:
        meta["deletionTimestamp"] = stamp(fields.pop("deleted"))
    state = fields.pop("state", {"running": {"startedAt": created}})
    if code is not None:
        message = said.encode().decode() if isinstance(said, Termination) else said
        state = {"terminated": {"exitCode": code, "reason": "Error", "message": message or ""}}
        if "over" in fields:
            state["terminated"]["finishedAt"] = stamp(fields.pop("over"))
    others = [{"name": name, "state": {"running": {}}} for name in fields.pop("beside", ())]
    containers = [{"name": "worker", "state": state}, *others]
    status: dict[str, Any] = {"phase": phase, "containerStatuses": containers}
    status["conditions"] = fields.pop("conditions", [])
    if fields.pop("taken", True):
        status["startTime"] = created
    return pod_of({"metadata": meta, "spec": {"nodeName": "node-1"} | fields, "status": status})


def ended(*ends: ShardEnd, code: int = 0, message: str = "", **more: Any) -> Termination:
    """A worker's last words."""
    return Termination(code=code, message=message, shards=ends, **more)


def result(**fields: Any) -> Termination:
    """A finalizer's last words."""
    return Termination(code=0, message="", result=Result(**{"rows": 100, "batches": 10} | fields))


def plan(
    of: Job, children: Iterable[ChildJob] = (), pods: Iterable[ChildPod] = (), **more: Any
) -> Plan:
    """What reconcile says, `later` seconds after NOW."""
    now = NOW + timedelta(seconds=more.pop("later", 0))
    return faultless(reconcile(of, Observed(tuple(children), tuple(pods), **more), now))


def faultless(planned: Plan) -> Plan:
    """The plan; raises what an operator would only tell."""
    if planned.fault is not None:
        raise planned.fault
    return planned


def after(of: Job, planned: Plan, **spec: Any) -> Job:
    """The job with the planned status written, and maybe an edited spec."""
    status = planned.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    given = of.body.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return job(status, **given | spec)
