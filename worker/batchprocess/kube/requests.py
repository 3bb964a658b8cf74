"""Requests to the API server, as whoever sends them says them to the kubernetes package. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_WRITES = ("POST", "PUT", "PATCH")
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `str()` says which.

    content: the type of `body`; of the answer, if it is a GET.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content: str = JSON

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def pairs(self, manager: str) -> list[tuple[str, str]]:
        """The query; a write also says who manages the fields that it sets."""
        named = [("fieldManager", manager)] if self.method in _WRITES else []
        return [*self.query.items(), *named]

    def headers(self) -> dict[str, str]:
        """Of what types are body and answer."""
        if self.method == "GET":
            return {"Accept": self.content}
        return {"Accept": JSON, "Content-Type": self.content}


def get(path: str, query: Mapping[str, str] | None = None, content: str = JSON) -> Request:
    """Read the object, collection or text at `path`."""
    return Request("GET", path, query or {}, content=content)


def watch(path: str, version: str, seconds: int, query: Mapping[str, str]) -> Request:
    """The changes of the collection at `path` after `version`, for so many seconds."""
    asked = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(seconds)}
    return get(path, asked | dict(query))


def create(path: str, body: Mapping[str, Any], query: Mapping[str, str] | None = None) -> Request:
    """Create `body` in the collection at `path`."""
    return Request("POST", path, query or {}, body)


def patch(path: str, body: Mapping[str, Any], kind: str = MERGE_PATCH) -> Request:
    """Patch the object at `path`; a uid or resourceVersion in `body` must be the stored one."""
    return Request("PATCH", path, body=body, content=kind)


def replace(path: str, body: Mapping[str, Any]) -> Request:
    """Put `body` at `path`; its resourceVersion must be the stored one."""
    return Request("PUT", path, body=body)


def delete(path: str, uid: str) -> Request:
    """Delete the object at `path` if it has this uid, and what it owns soon after."""
    body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
    return Request("DELETE", path, body=body)
