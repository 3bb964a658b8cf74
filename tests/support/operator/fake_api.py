"""A fake API server in memory: what the operator's `Api` needs of one, with faults at will.

It keeps what the real one promises and the operator relies on: names are taken once, a uid or
resourceVersion in a request must match, a status is written by its own path only, a write that
changes nothing makes no new version, and whoever watches hears of every version in order.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from batchprocess_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    DryRunUnsupported,
    NotFound,
    Rejected,
    Unavailable,
)

Object = dict[str, Any]
Watcher = Callable[[str, Object], None]
START = datetime(2030, 1, 1, 12, tzinfo=UTC)
Fault = Literal[
    "before", "after", "conflict", "rejected", "denied", "not dry", "die before", "die after"
]
FAULTS: tuple[Fault, ...] = (
    "before",
    "after",
    "conflict",
    "rejected",
    "denied",
    "die before",
    "die after",
)


class Died(BaseException):
    """The process that made a request is no more; nothing in it may catch this."""


@dataclass(frozen=True)
class Request:
    """One request, as the server saw it."""

    who: str
    method: str
    path: str

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.path.endswith("?dryRun")


@dataclass
class FakeServer:
    """Objects by path. `faults`: what becomes of the n-th request of `FakeApi` clients, from 0."""

    objects: dict[str, Object] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    created: list[tuple[str, str]] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def stamp(self) -> str:
        return f"{self.now():%Y-%m-%dT%H:%M:%SZ}"

    def list(self, path: str) -> list[Object]:
        """Objects of a collection, of one namespace or of all."""
        api, _, plural = path.rpartition("/")
        return [
            one
            for where, one in self.objects.items()
            if where.startswith(api + "/") and where.split("/")[-2] == plural
        ]

    def create(self, path: str, body: Mapping[str, Any]) -> Object:
        made = _copy(dict(body))
        meta = made["metadata"]
        where = f"{path}/{meta['name']}"
        if where in self.objects:
            raise AlreadyExists(f"{where} exists")
        meta |= {"uid": f"0000{next(self._numbers):04}-made", "generation": 1}
        meta |= {"namespace": path.split("/")[-2], "creationTimestamp": self.stamp()}
        self.created.append((where, meta["uid"]))
        return self._put("ADDED", where, made)

    def judge(self, path: str, body: Mapping[str, Any]) -> Object:
        """Of a dry run: what `create` would say, and nothing is stored."""
        where = f"{path}/{body['metadata']['name']}"
        if where in self.objects:
            raise AlreadyExists(f"{where} exists")
        return _copy(dict(body))

    def change(self, path: str, body: Mapping[str, Any]) -> Object:
        """Merge-patch; at `.../status` only the status."""
        where = path.removesuffix("/status")
        before = self._found(where, body)
        after = _copy(before)
        given = {k: v for k, v in body.items() if k != "metadata"}
        notes = body.get("metadata", {}).get("annotations")
        if path.endswith("/status"):
            given = {k: v for k, v in given.items() if k == "status"}
        else:
            given.pop("status", None)
        _merge(after, given)
        if notes and not path.endswith("/status"):
            _merge(after["metadata"], {"annotations": notes})
        if after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] += 1
        return before if after == before else self._put("MODIFIED", where, after)

    def replace_status(self, path: str, body: Mapping[str, Any]) -> Object:
        where = path.removesuffix("/status")
        before = self._found(where, body)
        after = before | {"status": _copy(body["status"])}
        return before if after == before else self._put("MODIFIED", where, after)

    def delete(self, path: str, uid: str | None = None) -> None:
        """At once, with all it owns; whoever watches hears of the owner first."""
        gone = self._found(path, {"metadata": {"uid": uid} if uid else {}})
        del self.objects[path]
        gone["metadata"]["resourceVersion"] = str(next(self._numbers))
        for watcher in self.watchers:
            watcher("DELETED", _copy(gone))
        for where, one in list(self.objects.items()):
            owners = one["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == gone["metadata"]["uid"] for owner in owners):
                self.delete(where)

    def get(self, path: str) -> Object:
        if path not in self.objects:
            raise NotFound(f"{path} not found")
        return _copy(self.objects[path])

    def _found(self, where: str, body: Mapping[str, Any]) -> Object:
        found, wanted = self.get(where), body.get("metadata", {})
        for key in ("uid", "resourceVersion"):
            if wanted.get(key, found["metadata"][key]) != found["metadata"][key]:
                raise Conflict(f"{where}: {key} is {found['metadata'][key]}, not {wanted[key]}")
        return found

    def _put(self, kind: str, where: str, one: Object) -> Object:
        one["metadata"]["resourceVersion"] = str(next(self._numbers))
        self.objects[where] = one
        for watcher in self.watchers:
            watcher(kind, _copy(one))
        return _copy(one)


@dataclass
class FakeApi:
    """The operator's `Api` over a FakeServer; every request takes `seconds`."""

    server: FakeServer
    who: str = "operator"
    seconds: float = 0.01

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        if path.endswith("/events"):
            return await self._do("GET", path, lambda: {"items": []})
        return await self._do("GET", path, lambda: self.server.get(path))

    async def create(self, path: str, body: Mapping[str, Any]) -> Object:
        return await self._do("POST", path, lambda: self.server.create(path, body))

    async def dry_run(self, path: str, body: Mapping[str, Any]) -> Object:
        return await self._do("POST", f"{path}?dryRun", lambda: self.server.judge(path, body))

    async def merge(self, path: str, body: Mapping[str, Any]) -> Object:
        return await self._do("PATCH", path, lambda: self.server.change(path, body))

    async def replace(self, path: str, body: Mapping[str, Any]) -> Object:
        return await self._do("PUT", path, lambda: self.server.replace_status(path, body))

    async def delete(self, path: str, *, uid: str) -> None:
        await self._do("DELETE", path, lambda: self.server.delete(path, uid) or {})

    async def pages(self, path: str, selector: str | None = None) -> AsyncIterator[Object]:
        page = await self._do("GET", path, lambda: {"items": self.server.list(path)})
        for one in page["items"]:
            if _selects(selector, one["metadata"].get("labels") or {}):
                yield _copy(one)

    async def _do(self, method: str, path: str, perform: Callable[[], Object]) -> Object:
        number = len(self.server.requests)
        self.server.requests.append(Request(self.who, method, path))
        fault = self.server.faults.get(number)
        await asyncio.sleep(self.seconds)
        _fail(fault)
        answer = perform()
        if fault == "die after":
            raise Died
        if fault == "after":
            raise Unavailable("the answer was lost")
        await asyncio.sleep(self.seconds)
        return answer


def _selects(selector: str | None, labels: Mapping[str, str]) -> bool:
    """`a=b,c`: label a is b, and there is a label c."""
    wanted = [part.partition("=") for part in selector.split(",")] if selector else []
    return all(key in labels and (not equals or labels[key] == to) for key, equals, to in wanted)


def _fail(fault: Fault | None) -> None:
    match fault:
        case "die before":
            raise Died
        case "before":
            raise Unavailable("429: later")
        case "conflict":
            raise Conflict("somebody was faster")
        case "rejected":
            raise Rejected("spec.x: is invalid")
        case "denied":
            raise Denied("exceeded quota")
        case "not dry":
            raise DryRunUnsupported("admission webhook w does not support dry run")


def _copy(value: Any) -> Any:
    """Of what JSON has. `deepcopy` looks for circles, and most of the lives' time went there."""
    match value:
        case dict():
            return {key: _copy(one) for key, one in value.items()}
        case list():
            return [_copy(one) for one in value]
        case tuple():
            return tuple(_copy(one) for one in value)
        case _:
            return value


def _merge(target: Object, patch: Mapping[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping):
            target[key] = _copy(target.get(key)) or {}
            _merge(target[key], value)
        else:
            target[key] = _copy(value)
