"""The two questions about people that the API server answers: who is this, and may they?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchprocess.plain_text import plain
from batchprocess.protocol.job_object import GROUP, PLURAL
from batchprocess_operator.kube import deep_json
from batchprocess_operator.kube.client import Api

_TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCESSES = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_MAX_USER = 64 * 1024
"""Of a person as JSON, with all groups; it is kept for each who has logged in."""
_MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class Person:
    """Who a token stands for. `asked_as`: what a SubjectAccessReview says of them, as JSON."""

    name: str
    asked_as: bytes

    @property
    def party(self) -> str:
        """With whom they share turns: of service accounts all of a namespace, which may be many."""
        parts = self.name.split(":")
        return ":".join(parts[:3]) if parts[:2] == ["system", "serviceaccount"] else self.name


@dataclass(frozen=True, slots=True)
class Right:
    """To do `verb` with objects of a kind in a namespace (empty: in all), or with one of them."""

    verb: str
    namespace: str = ""
    name: str = ""
    group: str = GROUP
    resource: str = PLURAL


class TooMuchOfAPerson(ValueError):
    """Somebody in so many groups that they are not kept; says how many bytes these are."""


async def review_token(api: Api, token: str) -> Person | None:
    """Whose token this is; None if it is nobody's. Raises ApiError and TooMuchOfAPerson."""
    # Without an audience it has to be a token for the API server: those of pods that report
    # progress are not.
    found = await api.create(_TOKENS, _review("authentication", "TokenReview", {"token": token}))
    status = found.get("status") or {}
    user: Mapping[str, Any] = status.get("user") or {}
    if status.get("authenticated") is not True or not user.get("username"):
        return None
    asked_as = deep_json.dumps(
        {
            "user": user["username"],
            **({"uid": user["uid"]} if user.get("uid") else {}),
            **({"groups": user["groups"]} if user.get("groups") else {}),
            **({"extra": user["extra"]} if user.get("extra") else {}),
        }
    )
    if len(asked_as) > _MAX_USER:
        raise TooMuchOfAPerson(
            f"what the API server says of you has {len(asked_as)} bytes and may have {_MAX_USER}: "
            "log in as somebody in fewer groups, for instance with a service account's token"
        )
    return Person(plain(str(user["username"]), _MAX_NAME), asked_as)


async def review_access(api: Api, person: Person, right: Right) -> bool:
    """Whether the API server would let them. Raises ApiError."""
    asked = {
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
        **({"namespace": right.namespace} if right.namespace else {}),
        **({"name": right.name} if right.name else {}),
    }
    spec = {**deep_json.loads(person.asked_as), "resourceAttributes": asked}
    body = _review("authorization", "SubjectAccessReview", spec)
    status = (await api.create(_ACCESSES, body)).get("status") or {}
    return status.get("allowed") is True and status.get("denied") is not True


def _review(group: str, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": f"{group}.k8s.io/v1", "kind": kind, "spec": spec}
