"""What an answer other than success means."""

import json
from collections.abc import Mapping

from batchprocess.plain_text import MAX_MESSAGE
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

# Webhooks answer 400, policies 422, by default: what an invalid object gets, but here a person may
# change the policy.
_DENIERS = ("admission webhook ", "ValidatingAdmissionPolicy ")
_NOT_DRY = " does not support dry run"
_DENIALS = (" denied request", " denied the request")
MAX_RETRY_AFTER = 300.0
"""Seconds; a date instead of a number, which the API server never sends, is none."""


def error_of(
    status: int, method: str, text: bytes, headers: Mapping[str, str] | None = None
) -> ApiError:
    """The error for an answer with this body. Its message is cut before it is looked at."""
    try:
        answer = json.loads(text)
        reason, message = answer.get("reason"), str(answer.get("message") or "")[:MAX_MESSAGE]
    except (ValueError, AttributeError, RecursionError):
        reason, message = None, text[:200].decode(errors="replace")
    message = message or f"status {status}"
    if _is_denial(message):
        return Denied(message)
    if message.startswith(_DENIERS) and message.endswith(_NOT_DRY):
        return DryRunUnsupported(message)
    kinds: dict[int, type[ApiError]] = {
        400: Rejected,
        401: Denied,
        403: Denied,
        404: NotFound,
        409: AlreadyExists if method == "POST" and reason == "AlreadyExists" else Conflict,
        410: Expired,
        412: Conflict,
        413: Rejected,
        422: Rejected,
    }
    if status in kinds:
        return kinds[status](message)
    return Unavailable(message, _seconds((headers or {}).get("Retry-After", "")))


def _is_denial(message: str) -> bool:
    """Without a pattern: tenants write most of such a sentence, and decide what it costs."""
    found = [at for at in map(message.find, _DENIERS) if at >= 0]
    return bool(found) and any(message.find(words, min(found)) >= 0 for words in _DENIALS)


def _seconds(text: str) -> float:
    return min(float(text), MAX_RETRY_AFTER) if text.isdecimal() and len(text) < 10 else 0.0
