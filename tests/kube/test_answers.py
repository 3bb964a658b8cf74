"""What answers of the API server mean, whatever of a tenant's is echoed in them."""

import json

import pytest

from batchprocess.kube.answers import Meaning, refusal
from batchprocess.plain_text import MAX_MESSAGE

NOT_DRY = 'admission webhook "w.example" does not support dry run'
WEBHOOK = 'admission webhook "labels.example.com" denied the request: no team label'
POLICY = (
    "jobs.batch \"a\" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'all' "
    "denied request: at most 10 pods"
)
BROKEN = 'failed calling webhook "w.example": Post "https://w": connection refused'


@pytest.mark.parametrize(
    ("status", "reason", "message", "meaning"),
    [
        (400, "BadRequest", "cannot be decoded", Meaning.REJECTED),
        (422, "Invalid", "spec.x: is invalid", Meaning.REJECTED),
        (413, "RequestEntityTooLarge", "too large", Meaning.REJECTED),
        (405, "MethodNotAllowed", "no", Meaning.UNSUPPORTED),
        (415, "UnsupportedMediaType", "no", Meaning.UNSUPPORTED),
        (400, "BadRequest", WEBHOOK, Meaning.DENIED),
        (422, "Invalid", POLICY, Meaning.DENIED),
        (400, "BadRequest", NOT_DRY, Meaning.NOT_DRY),
        (422, "Invalid", f'spec.x: Invalid value: "{NOT_DRY}', Meaning.REJECTED),
        (403, "Forbidden", "exceeded quota", Meaning.DENIED),
        (401, "Unauthorized", "Unauthorized", Meaning.UNKNOWN_USER),
        (404, "NotFound", "not found", Meaning.NOT_FOUND),
        (409, "AlreadyExists", "exists", Meaning.ALREADY_EXISTS),
        (409, "Conflict", "changed", Meaning.CONFLICT),
        (410, "Expired", "too old", Meaning.EXPIRED),
        (412, "Conflict", "changed", Meaning.CONFLICT),
        (429, "TooManyRequests", "slow down", Meaning.UNAVAILABLE),
        (500, "InternalError", BROKEN, Meaning.UNAVAILABLE),
        (504, "Timeout", "timed out", Meaning.UNAVAILABLE),
        (302, "", "", Meaning.UNAVAILABLE),
    ],
)
def test_an_answer_means_what_can_be_done_about_it(
    status: int, reason: str, message: str, meaning: Meaning
) -> None:
    told = refusal(status, json.dumps({"reason": reason, "message": message}).encode())
    assert (told.meaning, told.reason, told.message) == (meaning, reason, message)


@pytest.mark.parametrize("body", [b"<html>bad gateway", b"[]", b"null", b""])
def test_a_body_that_is_no_status_is_told_as_it_is(body: bytes) -> None:
    told = refusal(502, body)
    assert (told.meaning, told.reason, told.message) == (Meaning.UNAVAILABLE, "", body.decode())


@pytest.mark.hostile
def test_a_body_that_is_nested_too_deep_or_no_text_is_told_as_far_as_it_goes() -> None:
    assert refusal(500, b"[" * 100_000).message == "[" * 200
    assert refusal(500, b"\xff").message == "\ufffd"


@pytest.mark.hostile
@pytest.mark.parametrize("words", ["admission webhook ", "admission webhook  denied  "])
def test_a_megabyte_of_a_webhooks_words_costs_nothing(words: str) -> None:
    """A pattern would try each beginning with each end: minutes."""
    echoed = f'Job.batch "a" is invalid: spec.hostname: Invalid value: "{words * 60_000}"'
    told = refusal(422, json.dumps({"reason": "Invalid", "message": echoed}).encode())
    assert (told.meaning, told.message) == (Meaning.REJECTED, echoed[:MAX_MESSAGE])
