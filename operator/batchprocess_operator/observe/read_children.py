"""From objects as the API server sends them to values. Pure; unknown fields are let through."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from batchprocess.kube.index_ranges import parse_ranges
from batchprocess.kube.names import (
    ANNOTATION_SHARDS,
    LABEL_INDEX,
    LABEL_JOB_UID,
    LABEL_ROLE,
    WORKER_CONTAINER,
)
from batchprocess.plain_text import plain
from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.termination import Termination
from batchprocess_operator.model.names import (
    ANNOTATION_FINALIZER,
    ANNOTATION_IGNORED,
    ANNOTATION_LITERAL,
    ANNOTATION_RETRY,
    LABEL_QUEUE,
)
from batchprocess_operator.model.observed import ChildJob, ChildPod, Reason, Role
from batchprocess_operator.observe.deletion import kept_by
from batchprocess_operator.observe.field_managers import other_managers
from batchprocess_operator.observe.left_by_kueue import names_old_workload
from batchprocess_operator.observe.pod_states import (
    DEFAULT_SCHEDULER,
    containers_beside,
    pod_failure,
    unscheduled,
)

Raw = Mapping[str, Any]
MAX_TERMINATION = 12_288
"""Characters of termination messages that Kubernetes keeps of a whole pod."""
_MAX_DIGEST = 64
"""Ours are shorter, and anybody in the namespace may have written another."""


def child_of(raw: Raw) -> ChildJob:
    """From a Job as the API server sends it."""
    meta, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    notes = meta.get("annotations") or {}
    shards = notes.get(ANNOTATION_SHARDS)
    return ChildJob(
        version=version_of(raw),
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta["uid"],
        # Of its template: a running Job's is fixed, and its own labels are anybody's to change.
        role=_role((spec.get("template") or {}).get("metadata") or meta),
        retry=_number(notes.get(ANNOTATION_RETRY)),
        shards=None if shards is None else tuple(sorted(parse_ranges(shards))),
        created=parse_time(meta["creationTimestamp"]),
        started=_time_or_none(status.get("startTime")),
        completions=spec.get("completions", 1),
        parallelism=spec.get("parallelism", 1),
        suspend=spec.get("suspend", False),
        deadline=spec.get("activeDeadlineSeconds"),
        active=status.get("active", 0),
        succeeded=status.get("succeeded", 0),
        completed_indexes=parse_ranges(status.get("completedIndexes")),
        failed_indexes=parse_ranges(status.get("failedIndexes")),
        queued=LABEL_QUEUE in (meta.get("labels") or {}),
        old_workload=names_old_workload(raw),
        managers=other_managers(meta),
        literal=notes.get(ANNOTATION_LITERAL) == "true",
        kept_by=kept_by(meta),
        finalizer=_digest(notes.get(ANNOTATION_FINALIZER)),
        conditions={
            one["type"]: Reason(one.get("reason", ""), plain(one.get("message", "")))
            for one in status.get("conditions") or ()
            if one.get("status") == "True"
        },
    )


def pod_of(raw: Raw) -> ChildPod:
    """From a Pod as the API server sends it."""
    meta, status = raw["metadata"], raw.get("status") or {}
    state = _container_state(status)
    ended = state.get("terminated") or {}
    running = state.get("running") or {}
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    notes, labels = meta.get("annotations") or {}, meta.get("labels") or {}
    return ChildPod(
        version=version_of(raw),
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta["uid"],
        child_uid=owner_uid(raw),
        role=_role(meta),
        index=_number(labels.get(LABEL_INDEX) or notes.get(LABEL_INDEX)),
        phase=status.get("phase", "Pending"),
        created=parse_time(meta["creationTimestamp"]),
        node=raw["spec"].get("nodeName"),
        taken=bool(status.get("startTime")),
        started=bool(running or ended),
        ended=bool(ended) or status.get("phase") in ("Succeeded", "Failed"),
        ended_at=_time_or_none(ended.get("finishedAt")),
        beside=containers_beside(status),
        exit_code=ended.get("exitCode"),
        died=_died(ended),
        failure=pod_failure(status),
        waiting=_waiting(status),
        unscheduled=unscheduled(raw["spec"], conditions.get("PodScheduled", {})),
        scheduler=raw["spec"].get("schedulerName", DEFAULT_SCHEDULER),
        disrupted=conditions.get("DisruptionTarget", {}).get("status") == "True",
        lost_at=_time_or_none(meta.get("deletionTimestamp")),
        ignored=_number(notes.get(ANNOTATION_IGNORED)),
        termination=read_termination(ended.get("message")),
    )


def version_of(raw: Raw) -> int:
    """resourceVersions of one resource are numbers that grow (Kubernetes promises it by now)."""
    return int(raw["metadata"]["resourceVersion"])


def job_uid(raw: Raw) -> str | None:
    """The BatchProcessJob that a child or pod says it belongs to."""
    value: str | None = (raw["metadata"].get("labels") or {}).get(LABEL_JOB_UID)
    return value


def owner_uid(raw: Raw) -> str | None:
    """UID of the controlling owner."""
    owners = raw["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), None)


def parse_time(text: str) -> datetime:
    """RFC 3339 as Kubernetes writes it."""
    return datetime.fromisoformat(text)


def read_termination(text: str | None) -> Termination | None:
    """A worker's termination message; None for anything else, such as the tail of a log."""
    try:
        read = Termination.model_validate_json(text or "")
    except ValidationError:
        return None
    return read if all(0 <= number <= MAX_COUNT for number in _numbers(read)) else None


def _numbers(message: Termination) -> Iterator[int]:
    for end in message.shards:
        yield from (end.shard, end.cursor, end.seq, end.total or 0, end.bad_rows)
    if message.result is not None:
        result = message.result
        yield from (result.rows, result.batches, result.failed_shards, result.attempts)
        yield result.bad_rows


def _number(text: str | None) -> int:
    """A small number in a label or annotation, which anybody in the namespace may have edited."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else 0


def _digest(text: str | None) -> str | None:
    return None if text is None else text[:_MAX_DIGEST]


def _role(meta: Raw) -> Role:
    return "finalizer" if (meta.get("labels") or {}).get(LABEL_ROLE) == "finalizer" else "worker"


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _container_state(status: Raw) -> Raw:
    all_of_them = status.get("containerStatuses") or ()
    states = (one.get("state") for one in all_of_them if one["name"] == WORKER_CONTAINER)
    return next(states, None) or {}


def _died(ended: Raw) -> Reason | None:
    if not ended or ended.get("exitCode") == 0:
        return None
    read = read_termination(ended.get("message"))
    message = ended.get("message", "")[:MAX_TERMINATION] if read is None else read.message
    return Reason(ended.get("reason", "Error"), message)


def _waiting(status: Raw) -> Reason | None:
    """Why a container, the user's init containers included, does not start."""
    for kind in ("initContainerStatuses", "containerStatuses"):
        for one in status.get(kind) or ():
            state = (one.get("state") or {}).get("waiting") or {}
            if state.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                return Reason(state["reason"], plain(state.get("message", "")))
    return None
