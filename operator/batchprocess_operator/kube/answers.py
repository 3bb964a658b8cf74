"""What an answer other than success means, as our own errors."""

from collections.abc import Mapping

from batchprocess.kube.answers import Meaning, refusal
from batchprocess_operator.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Denied,
    DryRunUnsupported,
    Expired,
    NotFound,
    Rejected,
    Unavailable,
)

_ERRORS: Mapping[Meaning, type[ApiError]] = {
    Meaning.REJECTED: Rejected,
    Meaning.UNKNOWN_USER: Denied,
    Meaning.DENIED: Denied,
    Meaning.NOT_DRY: DryRunUnsupported,
    Meaning.NOT_FOUND: NotFound,
    Meaning.ALREADY_EXISTS: AlreadyExists,
    Meaning.CONFLICT: Conflict,
    Meaning.EXPIRED: Expired,
}
"""Of all others it is unknown what was done."""
MAX_RETRY_AFTER = 300.0
"""Seconds; a date instead of a number, which the API server never sends, is none."""


def error_of(status: int, text: bytes, headers: Mapping[str, str] | None = None) -> ApiError:
    """The error for an answer with this body, whatever the body is."""
    told = refusal(status, text)
    message = told.message or f"status {status}"
    if told.meaning in _ERRORS:
        return _ERRORS[told.meaning](message)
    return Unavailable(message, _seconds((headers or {}).get("Retry-After", "")))


def _seconds(text: str) -> float:
    return min(float(text), MAX_RETRY_AFTER) if text.isdecimal() and len(text) < 10 else 0.0
