"""What answers of the API server mean, whatever of a tenant's is echoed in them."""

import json

import pytest

from batchprocess.plain_text import MAX_MESSAGE
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
    ("status", "method", "reason", "message", "kind"),
    [
        (400, "POST", "BadRequest", "cannot be decoded", Rejected),
        (422, "POST", "Invalid", "spec.x: is invalid", Rejected),
        (413, "POST", "RequestEntityTooLarge", "too large", Rejected),
        (400, "POST", "BadRequest", WEBHOOK, Denied),
        (422, "POST", "Invalid", POLICY, Denied),
        (400, "POST", "BadRequest", NOT_DRY, DryRunUnsupported),
        (422, "POST", "Invalid", f'spec.x: Invalid value: "{NOT_DRY}', Rejected),
        (403, "POST", "Forbidden", "exceeded quota", Denied),
        (401, "GET", "Unauthorized", "Unauthorized", Denied),
        (404, "GET", "NotFound", "not found", NotFound),
        (409, "POST", "AlreadyExists", "exists", AlreadyExists),
        (409, "PUT", "Conflict", "changed", Conflict),
        (410, "GET", "Expired", "too old", Expired),
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


@pytest.mark.hostile
@pytest.mark.parametrize("words", ["admission webhook ", "admission webhook  denied  "])
def test_a_megabyte_of_a_webhooks_words_costs_nothing(words: str) -> None:
    """A pattern would try each beginning with each end: minutes."""
    echoed = f'Job.batch "a" is invalid: spec.hostname: Invalid value: "{words * 60_000}"'
    answer = json.dumps({"reason": "Invalid", "message": echoed}).encode()
    error = error_of(422, "POST", answer)
    assert type(error) is Rejected
    assert str(error) == echoed[:MAX_MESSAGE]


@pytest.mark.hostile
def test_what_a_terminal_would_obey_is_taken_out() -> None:
    answer = json.dumps({"message": "a\x1b[31m\r\nb\u202ec"}).encode()
    assert str(error_of(422, "POST", answer)) == "a [31m  b c"


@pytest.mark.hostile
def test_a_body_that_is_nested_too_deep_is_told_as_it_is() -> None:
    assert str(error_of(500, "GET", b"[" * 100_000)) == "[" * 200


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5), ("", 0), ("soon", 0), ("-1", 0), ("86400", MAX_RETRY_AFTER), ("9" * 5_000, 0)],
)
def test_how_long_to_wait_is_bounded(header: str, seconds: float) -> None:
    error = error_of(429, "PUT", b"", {"Retry-After": header})
    assert isinstance(error, Unavailable)
    assert error.retry_after == seconds
