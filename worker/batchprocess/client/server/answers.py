"""What an answer other than success means. Pure."""

import json

from batchprocess.client.errors import (
    AlreadyExists,
    Changed,
    ClusterError,
    Denied,
    NotFound,
    Rejected,
    Unavailable,
)
from batchprocess.plain_text import MAX_MESSAGE

_DENIERS = ("admission webhook ", "ValidatingAdmissionPolicy ")
_KINDS: dict[int, type[ClusterError]] = {
    400: Rejected,
    401: Denied,
    403: Denied,
    404: NotFound,
    405: Rejected,
    409: Changed,
    412: Changed,
    413: Rejected,
    415: Rejected,
    422: Rejected,
}


class Expired(ClusterError):
    """410: a watch that begins further back than the API server remembers."""


def error_of(status: int, what: str, text: bytes) -> ClusterError:
    """The error for an answer with this body to the request `what`, whatever the body is."""
    reason, message = _said(text)
    sentence = message or f"{what}: the API server answered {status}"
    if status == 401:
        return Denied(f"{what}: the API server does not know who you are ({message}): log in again")
    if status == 404 and reason != "NotFound":
        # Of an object it would say so: what is missing is the address itself.
        return NotFound(f"{what}: this cluster serves no BatchProcessJobs: is the CRD installed?")
    if status == 409 and reason == "AlreadyExists":
        return AlreadyExists(sentence)
    if status == 410:
        return Expired(sentence)
    if message.startswith(_DENIERS):
        return Denied(sentence)
    return _KINDS.get(status, Unavailable)(sentence)


def _said(text: bytes) -> tuple[str, str]:
    """Reason and message."""
    try:
        answer = json.loads(text)
        return str(answer.get("reason") or ""), str(answer.get("message") or "")[:MAX_MESSAGE]
    except (ValueError, AttributeError, RecursionError):
        return "", text[:200].decode(errors="replace")
