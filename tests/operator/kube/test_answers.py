"""What answers of the API server mean, whatever of a tenant's is echoed in them."""

import json

import pytest

from batchprocess_operator.kube.answers import MAX_RETRY_AFTER, error_of
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

NOT_DRY = 'admission webhook "w.example" does not support dry run'
WEBHOOK = 'admission webhook "labels.example.com" denied the request: no team label'
POLICY = (
    "jobs.batch \"a\" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'all' "
    "denied request: at most 10 pods"
)


@pytest.mark.parametrize(
    ("status", "reason", "message", "kind"),
    [
        (400, "BadRequest", "cannot be decoded", Rejected),
        (422, "Invalid", "spec.x: is invalid", Rejected),
        (413, "RequestEntityTooLarge", "too large", Rejected),
        (400, "BadRequest", WEBHOOK, Denied),
        (422, "Invalid", POLICY, Denied),
        (400, "BadRequest", NOT_DRY, DryRunUnsupported),
        (422, "Invalid", f'spec.x: Invalid value: "{NOT_DRY}', Rejected),
        (403, "Forbidden", "exceeded quota", Denied),
        (401, "Unauthorized", "Unauthorized", Denied),
        (404, "NotFound", "not found", NotFound),
        (409, "AlreadyExists", "exists", AlreadyExists),
        (409, "Conflict", "changed", Conflict),
        (410, "Expired", "too old", Expired),
        (412, "Conflict", "changed", Conflict),
        (429, "TooManyRequests", "slow down", Unavailable),
        (504, "Timeout", "timed out", Unavailable),
    ],
)
def test_an_answer_is_the_error_that_says_what_can_be_done(
    status: int, reason: str, message: str, kind: type[ApiError]
) -> None:
    answer = json.dumps({"reason": reason, "message": message}).encode()
    error = error_of(status, answer)
    assert type(error) is kind
    assert str(error) == message


@pytest.mark.parametrize("text", [b"<html>bad gateway", b"[]", b"", b"\xff"])
def test_an_answer_that_is_no_status_is_told_as_it_is(text: bytes) -> None:
    assert type(error_of(502, text)) is Unavailable


@pytest.mark.hostile
def test_what_a_terminal_would_obey_is_taken_out() -> None:
    answer = json.dumps({"message": "a\x1b[31m\r\nb\u202ec"}).encode()
    assert str(error_of(422, answer)) == "a [31m  b c"


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5), ("", 0), ("soon", 0), ("-1", 0), ("86400", MAX_RETRY_AFTER), ("9" * 5_000, 0)],
)
def test_how_long_to_wait_is_bounded(header: str, seconds: float) -> None:
    error = error_of(429, b"", {"Retry-After": header})
    assert isinstance(error, Unavailable)
    assert error.retry_after == seconds
