"""A cluster of the test's own making: what it answers is a list, what it was asked another."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from batchprocess.client.server.connection import Connection
from batchprocess.client.server.transport import Stream, Transport
from batchprocess.client.snapshot import Snapshot
from batchprocess.kube.requests import Request

Answer = bytes | dict[str, Any] | BaseException | list[Any]


class FakeStream(Stream):
    """Lines, and then an error, or an end."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts, self.closed = parts, False

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            yield part if isinstance(part, bytes) else json.dumps(part).encode() + b"\n"

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeTransport(Transport):
    """Gives `answers` one after the other; `asked` has method, path, query and body of each."""

    answers: list[Answer]
    asked: list[tuple[str, str, Any, Any]] = field(default_factory=list)

    def text(self, request: Request, most: int = 0) -> bytes:
        self.asked.append((request.method, request.path, request.query or None, request.body))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    @contextmanager
    def stream(self, request: Request, silence: float) -> Iterator[Stream]:
        self.asked.append(("GET", request.path, request.query, None))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, list)
        yield FakeStream(answer)


def fake_cluster(*answers: Answer) -> tuple[Connection, FakeTransport]:
    """A connection on which a second passes with each look at the clock, and no sleep lasts."""
    transport = FakeTransport(list(answers))
    seconds = count()
    never = Connection(
        transport, "team", lambda: float(next(seconds)), lambda pause: None, lambda: 1.0
    )
    return never, transport


def stored(
    status: Mapping[str, Any] | None = None, *, version: int = 1, uid: str = "u-1", **spec: Any
) -> dict[str, Any]:
    """The job `digits` as an API server has it."""
    return {
        "metadata": {
            "name": "digits",
            "namespace": "team",
            "uid": uid,
            "resourceVersion": str(version),
        },
        "spec": {"image": "x", "processor": "a:B", "dataset": "a:c", **spec},
        "status": dict(status or {}),
    }


def snapshot(status: Mapping[str, Any] | None = None, **more: Any) -> Snapshot:
    """The same, as it was read."""
    return Snapshot(stored(status, **more))


TIME = "2030-01-01T12:00:00Z"


def ended(state: str, reason: str = "", pods: str = "", **more: Any) -> dict[str, Any]:
    """The status of a job that has ended so."""
    facts = {"status": "True", "lastTransitionTime": TIME, "message": "because"}
    kinds = {"Failed": reason, "PodsFailed": pods}
    conditions = [{"type": kind, "reason": one, **facts} for kind, one in kinds.items() if one]
    return {"state": state, "completionTime": TIME, "conditions": conditions, **more}
