"""What the API server says becomes a sentence, whatever it says."""

import json
from typing import Any

import pytest

from batchprocess.client import errors
from batchprocess.client.server import answers
from batchprocess.client.server.answers import error_of


def said(code: int, message: str = "a sentence", reason: str = "") -> errors.ClusterError:
    return error_of(code, "GET /x", json.dumps({"message": message, "reason": reason}).encode())


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (400, "BadRequest", errors.Rejected),
        (401, "Unauthorized", errors.Denied),
        (403, "Forbidden", errors.Denied),
        (404, "NotFound", errors.NotFound),
        (409, "AlreadyExists", errors.AlreadyExists),
        (409, "Conflict", errors.Changed),
        (410, "Expired", answers.Expired),
        (405, "MethodNotAllowed", errors.Rejected),
        (413, "", errors.Rejected),
        (422, "Invalid", errors.Rejected),
        (429, "TooManyRequests", errors.Unavailable),
        (500, "InternalError", errors.Unavailable),
        (302, "", errors.Unavailable),
    ],
)
def test_a_code_has_its_error(code: int, reason: str, kind: Any) -> None:
    error = said(code, reason=reason)
    assert type(error) is kind
    assert "a sentence" in str(error)


def test_a_cluster_without_the_crd_is_told_as_such() -> None:
    error = error_of(404, "GET /x", b"404 page not found\n")
    assert str(error) == "GET /x: this cluster serves no BatchProcessJobs: is the CRD installed?"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (400, 'admission webhook "x" denied the request: no'),
        (422, "jobs \"a\" is forbidden: ValidatingAdmissionPolicy 'b' denied request: no"),
    ],
)
def test_a_denial_of_a_webhook_or_a_policy_is_no_invalid_object(code: int, message: str) -> None:
    assert type(said(code, message)) is errors.Denied


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b"\xff" * 100, b"[" * 9_999])
def test_a_body_of_any_kind_is_survived(body: bytes) -> None:
    assert len(str(error_of(503, "GET /x", body))) < 2_100


def test_a_sentence_is_cut_and_plain() -> None:
    error = said(422, "\x1b[31m" + "x" * 100_000)
    assert len(str(error)) == 1024
    assert str(error).startswith(" [31mxx")
