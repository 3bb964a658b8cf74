"""What an answer other than success means, as errors that a person can act on. Pure."""

from collections.abc import Mapping

from batchprocess.client.errors import (
    AlreadyExists,
    Changed,
    ClusterError,
    Denied,
    NotFound,
    Rejected,
    Unavailable,
)
from batchprocess.kube.answers import Meaning, refusal


class Expired(ClusterError):
    """410: a watch that begins further back than the API server remembers."""


_ERRORS: Mapping[Meaning, type[ClusterError]] = {
    Meaning.REJECTED: Rejected,
    Meaning.UNSUPPORTED: Rejected,
    Meaning.UNKNOWN_USER: Denied,
    Meaning.DENIED: Denied,
    Meaning.NOT_DRY: Denied,
    Meaning.NOT_FOUND: NotFound,
    Meaning.ALREADY_EXISTS: AlreadyExists,
    Meaning.CONFLICT: Changed,
    Meaning.EXPIRED: Expired,
    Meaning.UNAVAILABLE: Unavailable,
}


def error_of(status: int, what: str, text: bytes) -> ClusterError:
    """The error for an answer with this body to the request `what`, whatever the body is."""
    told = refusal(status, text)
    sentence = told.message or f"{what}: the API server answered {status}"
    if told.meaning is Meaning.UNKNOWN_USER:
        known = f"{what}: the API server does not know who you are"
        return Denied(f"{known} ({told.message}): log in again")
    if told.meaning is Meaning.NOT_FOUND and told.reason != "NotFound":
        # Of an object it would say so: what is missing is the address itself.
        return NotFound(f"{what}: this cluster serves no BatchProcessJobs: is the CRD installed?")
    return _ERRORS[told.meaning](sentence)
