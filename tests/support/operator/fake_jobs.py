"""A fake Job controller and a fake kubelet over a FakeServer: enough of both to play a job's life.

One `step` a (virtual) second. Pods run for as long and end as the script says.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from batchprocess.kube.index_ranges import format_ranges, parse_ranges
from batchprocess.kube.names import ANNOTATION_SHARDS, LABEL_INDEX
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.protocol.termination import Result, ShardEnd, Termination
from batchprocess_operator.model.names import ANNOTATION_IGNORED
from support.operator.fake_api import FakeServer, Object

JOBS, PODS = "/apis/batch/v1/jobs", "/api/v1/pods"
SHAPE = RunShape(rows=100, batch_size=5, batches=20)


@dataclass(frozen=True)
class End:
    """How a pod ends, `seconds` after its start. `cursor`: batches that its shards then have."""

    code: int = 0
    seconds: int = 3
    cursor: int | None = None
    message: str = ""


Script = Callable[[str, int, int], End]
"""From role, index and number of the attempt (from 0) to the end of a pod."""


def all_well(role: str, index: int, attempt: int) -> End:
    """Every pod succeeds at once."""
    return End()


@dataclass
class FakeCluster:
    """`attempts` counts the pods that were started, by Job UID and index."""

    server: FakeServer
    script: Script = all_well
    shards: int = 3
    attempts: dict[tuple[str, int], int] = field(default_factory=dict)
    _ends: dict[str, tuple[float, End]] = field(default_factory=dict)

    async def run(self) -> None:
        """For ever, a step a second."""
        while True:
            self.step()
            await asyncio.sleep(1)

    def step(self) -> None:
        """Both do what there is to do."""
        for pod in self.server.list(PODS):
            self._kubelet(pod)
        for job in self.server.list(JOBS):
            self._controller(job)

    def _controller(self, job: Object) -> None:
        status, spec = dict(job.get("status") or {}), job["spec"]
        if {one["type"] for one in status.get("conditions") or ()} & {"Complete", "Failed"}:
            return
        pods = [pod for pod in self.server.list(PODS) if _owner(pod) == job["metadata"]["uid"]]
        if spec.get("suspend"):
            status["startTime"] = None
            for pod in pods:
                if _phase(pod) in ("Pending", "Running"):
                    self.server.delete(_path(pod))
        else:
            status["startTime"] = status.get("startTime") or self.server.stamp()
        counted = _Count(job, pods)
        status |= counted.status()
        if counted.verdict is not None and not spec.get("suspend"):
            status["conditions"] = [_condition(*counted.verdict)]
            for pod in pods:
                if _phase(pod) in ("Pending", "Running"):
                    self.server.delete(_path(pod))
        elif not spec.get("suspend"):
            for index in counted.wanted():
                self._start(job, index, counted.ignored.get(index, 0))
        self.server.change(f"{_path(job)}/status", {"status": status})

    def _start(self, job: Object, index: int, ignored: int) -> None:
        meta, template = job["metadata"], job["spec"]["template"]
        number = self.attempts.get((meta["uid"], index), 0)
        self.attempts[meta["uid"], index] = number + 1
        body = {
            "metadata": {
                "name": f"{meta['name']}-{index}-{number}",
                "labels": template["metadata"]["labels"] | {LABEL_INDEX: str(index)},
                "annotations": template["metadata"]["annotations"]
                | {ANNOTATION_IGNORED: str(ignored)},
                "ownerReferences": [{"controller": True, "uid": meta["uid"]}],
            },
            "spec": {"nodeName": "node-1"},
            "status": {"phase": "Pending"},
        }
        self.server.create(f"/api/v1/namespaces/{meta['namespace']}/pods", body)

    def _kubelet(self, pod: Object) -> None:
        meta, now = pod["metadata"], self.server.now().timestamp()
        if _phase(pod) == "Pending":
            index, role = int(meta["labels"][LABEL_INDEX]), meta["labels"]["batchprocess.dev/role"]
            end = self.script(role, index, self.attempts[_owner(pod), index] - 1)
            self._ends[meta["uid"]] = (now + end.seconds, end)
            self._tell(pod, "Running", {"running": {"startedAt": self.server.stamp()}})
        elif _phase(pod) == "Running" and self._ends[meta["uid"]][0] <= now:
            end = self._ends[meta["uid"]][1]
            said = self._words(pod, end).encode().decode()
            ended = {"terminated": {"exitCode": end.code, "reason": "Error", "message": said}}
            self._tell(pod, "Failed" if end.code else "Succeeded", ended)

    def _words(self, pod: Object, end: End) -> Termination:
        meta = pod["metadata"]
        plan = ShardPlan(SHAPE.rows, SHAPE.batch_size, self.shards)
        if meta["labels"]["batchprocess.dev/role"] == "finalizer":
            result = Result(rows=SHAPE.rows, batches=SHAPE.batches, metrics={"accuracy": 0.5})
            return Termination(
                code=end.code, message=end.message, result=None if end.code else result
            )
        notes = meta["annotations"].get(ANNOTATION_SHARDS)
        todo = sorted(parse_ranges(notes)) if notes else range(self.shards)
        shard = todo[int(meta["labels"][LABEL_INDEX])]
        number = self.attempts[_owner(pod), int(meta["labels"][LABEL_INDEX])]
        cursor = plan.size(shard) if end.code == 0 else end.cursor or 0
        told = ShardEnd(
            shard=shard, cursor=cursor, total=plan.size(shard), sealed=not end.code, seq=2 * number
        )
        return Termination(code=end.code, message=end.message, shards=(told,), run=SHAPE)

    def _tell(self, pod: Object, phase: str, state: Object) -> None:
        status = {"phase": phase, "containerStatuses": [{"name": "worker", "state": state}]}
        self.server.change(f"{_path(pod)}/status", {"status": status})


class _Count:
    """What the Job controller makes of a Job's pods."""

    def __init__(self, job: Object, pods: Iterable[Object]) -> None:
        self.spec, self.pods = job["spec"], list(pods)
        before = job.get("status") or {}
        self.done = set(parse_ranges(before.get("completedIndexes")))
        self.failed = set(parse_ranges(before.get("failedIndexes")))
        self.alive: set[int] = set()
        self.counts: dict[int, int] = {}
        self.ignored: dict[int, int] = {}
        self.verdict: tuple[str, str] | None = None
        for pod in self.pods:
            self._take(pod)
        self._judge()

    def _take(self, pod: Object) -> None:
        index, phase = int(pod["metadata"]["labels"][LABEL_INDEX]), _phase(pod)
        if phase == "Succeeded":
            self.done.add(index)
        elif phase != "Failed":
            self.alive.add(index)
        else:
            action = _action(self.spec.get("podFailurePolicy", {}).get("rules", ()), _code(pod))
            match action:
                case "FailJob":
                    self.verdict = ("Failed", "PodFailurePolicy")
                case "FailIndex":
                    self.failed.add(index)
                case "Ignore":
                    noted = pod["metadata"]["annotations"].get(ANNOTATION_IGNORED, "0")
                    self.ignored[index] = int(noted) + 1
                case _:
                    self.counts[index] = self.counts.get(index, 0) + 1

    def _judge(self) -> None:
        limit = self.spec.get("backoffLimitPerIndex", self.spec.get("backoffLimit", 6))
        self.failed |= {index for index, count in self.counts.items() if count > limit}
        total = self.spec.get("completions", 1)
        if self.verdict is not None:
            return
        if len(self.failed) > self.spec.get("maxFailedIndexes", total):
            self.verdict = ("Failed", "MaxFailedIndexesExceeded")
        elif len(self.done | self.failed) >= total:
            self.verdict = ("Failed", "FailedIndexes") if self.failed else ("Complete", "")

    def wanted(self) -> list[int]:
        """Indexes that a pod is to be started for."""
        free = self.spec.get("parallelism", 1) - len(self.alive)
        taken = self.done | self.failed | self.alive
        todo = [k for k in range(self.spec.get("completions", 1)) if k not in taken]
        return todo[: max(free, 0)]

    def status(self) -> dict[str, Any]:
        return {
            "active": len(self.alive),
            "succeeded": len(self.done),
            "completedIndexes": format_ranges(self.done),
            "failedIndexes": format_ranges(self.failed),
        }


def _action(rules: Iterable[Object], code: int) -> str:
    for rule in rules:
        if code in rule.get("onExitCodes", {}).get("values", ()):
            found: str = rule["action"]
            return found
    return "Count"


def _code(pod: Object) -> int:
    code: int = pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
    return code


def _phase(pod: Object) -> str:
    phase: str = pod["status"]["phase"]
    return phase


def _owner(pod: Object) -> str:
    uid: str = pod["metadata"]["ownerReferences"][0]["uid"]
    return uid


def _path(one: Object) -> str:
    meta = one["metadata"]
    is_pod = "nodeName" in one["spec"]
    api, plural = ("/api/v1", "pods") if is_pod else ("/apis/batch/v1", "jobs")
    return f"{api}/namespaces/{meta['namespace']}/{plural}/{meta['name']}"


def _condition(kind: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": reason, "message": ""}
