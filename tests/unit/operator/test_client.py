"""What answers of the API server mean."""

import json

import pytest

from batchprocess_operator.client import error_of
from batchprocess_operator.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Denied,
    NotFound,
    Rejected,
    Unavailable,
)

WEBHOOK = 'admission webhook "labels.example.com" denied the request: no team label'
POLICY = (
    "jobs.batch \"a\" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'all' "
    "denied request: at most 10 pods"
)


@pytest.mark.parametrize(
    ("status", "method", "reason", "message", "kind"),
    [
        (400, "POST", "BadRequest", "cannot be decoded", Rejected),
        (422, "POST", "Invalid", "spec.x: is invalid", Rejected),
        (413, "POST", "RequestEntityTooLarge", "too large", Rejected),
        (400, "POST", "BadRequest", WEBHOOK, Denied),
        (422, "POST", "Invalid", POLICY, Denied),
        (403, "POST", "Forbidden", "exceeded quota", Denied),
        (401, "GET", "Unauthorized", "Unauthorized", Denied),
        (404, "GET", "NotFound", "not found", NotFound),
        (409, "POST", "AlreadyExists", "exists", AlreadyExists),
        (409, "PUT", "Conflict", "changed", Conflict),
        (412, "DELETE", "Conflict", "changed", Conflict),
        (429, "POST", "TooManyRequests", "slow down", Unavailable),
        (504, "POST", "Timeout", "timed out", Unavailable),
    ],
)
def test_an_answer_is_the_error_that_says_what_can_be_done(
    status: int, method: str, reason: str, message: str, kind: type[ApiError]
) -> None:
    answer = json.dumps({"reason": reason, "message": message}).encode()
    error = error_of(status, method, answer)
    assert type(error) is kind
    assert str(error) == message


@pytest.mark.parametrize("text", [b"<html>bad gateway", b"[]", b"", b"\xff"])
def test_an_answer_that_is_no_status_is_told_as_it_is(text: bytes) -> None:
    assert type(error_of(502, "GET", text)) is Unavailable
