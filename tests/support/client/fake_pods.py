"""Pods of a test's own making, with logs that a test goes on writing."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from batchprocess.client.errors import NotFound, Rejected, Unavailable
from batchprocess.client.server.connection import Connection
from batchprocess.client.server.transport import Stream, Transport
from batchprocess.kube.requests import Request
from support.client.fake_server import FakeStream, ended, stored

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)


def at(seconds: float) -> str:
    """A time as a node writes it: nine digits of a second."""
    moment = BEGIN + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}000Z"


def pod(
    name: str,
    index: int | None = 0,
    *,
    created: int = 0,
    code: int | None = None,
    message: str = "",
    **notes: str,
) -> dict[str, Any]:
    """A worker of an index, or a finalizer; running, or ended with `code`."""
    labels = {"batchprocess.dev/role": "finalizer" if index is None else "worker"}
    if index is not None:
        labels["batch.kubernetes.io/job-completion-index"] = str(index)
    state: dict[str, Any] = {"running": {}}
    if code is not None:
        state = {"terminated": {"exitCode": code, "message": message, "reason": "Error"}}
    keys = {"failures": "batch.kubernetes.io/job-index-failure-count"}
    keys |= {"shards": "batchprocess.dev/shards"}
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": at(created),
            "labels": labels,
            "annotations": {keys[key]: value for key, value in notes.items()},
        },
        "status": {
            "phase": {None: "Running", 0: "Succeeded"}.get(code, "Failed"),
            "containerStatuses": [{"name": "sidecar"}, {"name": "worker", "state": state}],
        },
    }


class FakePods(Transport):
    """A job `digits` with pods; `logs` has what each has written, `broken` how often it breaks."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.pods = {one["metadata"]["name"]: one for one in pods}
        self.logs: dict[str, list[bytes]] = {name: [] for name in self.pods}
        self.broken: dict[str, int] = {}
        self.job = stored()
        self.asked: list[Mapping[str, str]] = []
        self._lock = threading.Lock()

    def connection(self) -> Connection:
        return Connection(self, "team", sleep=lambda pause: None, draw=lambda: 0.01)

    def end_job(self, state: str = "Complete") -> None:
        self.job = stored(ended(state))

    def write(self, name: str, *lines: tuple[float, str]) -> None:
        self.logs[name] += [f"{at(seconds)} {text}\n".encode() for seconds, text in lines]

    def text(self, request: Request, most: int = 0) -> bytes:
        path = request.path
        if path.endswith("/pods"):
            found: Any = {"items": list(self.pods.values()), "metadata": {}}
        elif "/pods/" in path:
            name = path.rpartition("/")[2]
            if name not in self.pods:
                raise NotFound("gone")
            found = self.pods[name]
        else:
            found = self.job
        return json.dumps(found).encode()

    @contextmanager
    def stream(self, request: Request, silence: float) -> Iterator[Stream]:
        path, query = request.path, request.query
        name = path.split("/")[-2]
        with self._lock:
            self.asked.append(query)
            if name not in self.pods:
                raise NotFound("gone")
            if "waiting" in self.pods[name]["status"]["containerStatuses"][1]["state"]:
                raise Rejected("waiting to start")
            since = query.get("sinceTime", "")[:19]
            lines = [line for line in self.logs[name] if line[:19].decode() >= since]
            lines = lines[-int(query.get("tailLines", 1_000_000)) :]
            broken = self.broken.get(name, 0)
            if broken:
                self.broken[name] -= 1
                half: list[Any] = lines[: len(lines) // 2 + 1]
                lines = [*half, Unavailable("broken")]
        yield FakeStream(lines)
