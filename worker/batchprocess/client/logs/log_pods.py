"""The pods of a job, with the shard and the attempt that each is. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from batchprocess.client.snapshot import Snapshot
from batchprocess.kube.index_ranges import parse_ranges
from batchprocess.kube.names import ANNOTATION_SHARDS, LABEL_INDEX, LABEL_ROLE, WORKER_CONTAINER
from batchprocess.plain_text import plain
from batchprocess.protocol.termination import Termination

ANNOTATION_FAILURES = "batch.kubernetes.io/job-index-failure-count"


@dataclass(frozen=True)
class LogPod:
    """A pod that may have written something.

    shards: those that it works on; none of a finalizer. attempt: from 1; pods that are gone count
    only as far as Kubernetes has counted them as failures. code: the exit code of our container
    once it has ended. message: its last words.
    """

    name: str
    uid: str
    shards: tuple[int, ...]
    attempt: int
    started: bool
    code: int | None
    message: str
    created: str

    @property
    def ended(self) -> bool:
        """Whether our container has ended."""
        return self.code is not None

    @property
    def label(self) -> str:
        """`shard 3`, `shards 4-7, attempt 2`, `finalizer`."""
        match self.shards:
            case ():
                who = "finalizer"
            case (one,):
                who = f"shard {one}"
            case (first, *_, last):
                who = f"shards {first}-{last}"
        return who if self.attempt == 1 else f"{who}, attempt {self.attempt}"


def log_pods(raws: Iterable[Mapping[str, Any]], job: Snapshot) -> list[LogPod]:
    """Oldest attempts first, in the order of shards, the finalizer last."""
    size, total = _processes(job), _shards(job)
    found, seen = [], dict[tuple[int, ...], int]()
    for raw in sorted(raws, key=_created):
        shards = tuple(_shards_of(raw, size, total))
        before = max(seen.get(shards, 0), _failures(raw))
        seen[shards] = before + 1
        found.append(_pod(raw, shards, before + 1))
    return sorted(found, key=lambda pod: (not pod.shards, pod.shards, pod.attempt))


def _pod(raw: Mapping[str, Any], shards: tuple[int, ...], attempt: int) -> LogPod:
    state = container_state(raw)
    ended = state.get("terminated")
    code, message = None, ""
    if ended is not None:
        code, message = int(ended.get("exitCode", 1)), _last_words(ended)
    elif pod_has_ended(raw):
        # Evicted before it began, say: there is no container that could have ended.
        code, message = 1, str(raw["status"].get("message") or raw["status"].get("reason") or "")
    return LogPod(
        name=str(raw["metadata"]["name"]),
        uid=str(raw["metadata"]["uid"]),
        shards=shards,
        attempt=attempt,
        started=ended is not None or "running" in state,
        code=code,
        message=plain(message),
        created=_created(raw)[0],
    )


def _last_words(ended: Mapping[str, Any]) -> str:
    text = str(ended.get("message") or "")
    try:
        said = Termination.model_validate_json(text).message
    except (ValidationError, RecursionError):
        said = ""
    # A process that was killed has left its progress there, and no sentence.
    return said or str(ended.get("reason") or "")


def pod_has_ended(raw: Mapping[str, Any]) -> bool:
    """Whether our container will write no more: a plain sidecar may keep its pod."""
    if "terminated" in container_state(raw):
        return True
    return (raw.get("status") or {}).get("phase") in ("Failed", "Succeeded")


def container_state(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state of our container; empty before it has one."""
    for status in (raw.get("status") or {}).get("containerStatuses") or ():
        if status.get("name") == WORKER_CONTAINER:
            found: Mapping[str, Any] = status.get("state") or {}
            return found
    return {}


def _created(raw: Mapping[str, Any]) -> tuple[str, str]:
    meta = raw["metadata"]
    return str(meta.get("creationTimestamp") or ""), str(meta["name"])


def _shards_of(raw: Mapping[str, Any], size: int, total: int) -> Iterator[int]:
    meta = raw["metadata"]
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    index = labels.get(LABEL_INDEX, "")
    if labels.get(LABEL_ROLE) != "worker" or not index.isdecimal():
        return
    listed = notes.get(ANNOTATION_SHARDS)
    try:
        todo = range(total) if listed is None else sorted(parse_ranges(listed))
    except ValueError:
        return  # the operator has not written it: nobody knows
    yield from todo[int(index) * size : (int(index) + 1) * size]


def _failures(raw: Mapping[str, Any]) -> int:
    found = (raw["metadata"].get("annotations") or {}).get(ANNOTATION_FAILURES, "")
    return int(found[:9]) if found.isdecimal() else 0


def _processes(job: Snapshot) -> int:
    found = (job.raw["spec"].get("worker") or {}).get("processesPerWorker", 1)
    return found if isinstance(found, int) and found > 0 else 1


def _shards(job: Snapshot) -> int:
    found = job.raw["spec"].get("shards", 1)
    return found if isinstance(found, int) else 1
