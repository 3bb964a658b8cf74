"""What is said to the API server."""

import pytest

from batchprocess.kube import requests
from batchprocess.kube.requests import JSON, MERGE_PATCH, STRATEGIC_PATCH, Request

BODY = {"a": 1}


@pytest.mark.parametrize(
    ("request_", "method", "query", "content"),
    [
        (requests.create("/x", BODY), "POST", [("fieldManager", "me")], JSON),
        (
            requests.create("/x", BODY, {"dryRun": "All"}),
            "POST",
            [("dryRun", "All"), ("fieldManager", "me")],
            JSON,
        ),
        (requests.patch("/x", BODY), "PATCH", [("fieldManager", "me")], MERGE_PATCH),
        (
            requests.patch("/x", BODY, STRATEGIC_PATCH),
            "PATCH",
            [("fieldManager", "me")],
            STRATEGIC_PATCH,
        ),
        (requests.replace("/x", BODY), "PUT", [("fieldManager", "me")], JSON),
    ],
)
def test_a_write_names_who_manages_its_fields_and_the_type_of_its_body(
    request_: Request, method: str, query: list[tuple[str, str]], content: str
) -> None:
    assert str(request_) == f"{method} /x"
    assert request_.body == BODY
    assert request_.pairs("me") == query
    assert request_.headers() == {"Accept": JSON, "Content-Type": content}


def test_what_is_read_manages_nothing_and_says_what_it_takes() -> None:
    request = requests.get("/x", {"limit": "1"}, "application/json;as=Table")
    assert (str(request), request.body) == ("GET /x", None)
    assert request.pairs("me") == [("limit", "1")]
    assert request.headers() == {"Accept": "application/json;as=Table"}


def test_a_watch_ends_by_itself() -> None:
    request = requests.watch("/x", "77", 300, {"fieldSelector": "metadata.name=a"})
    assert request.query == {
        "watch": "true",
        "resourceVersion": "77",
        "timeoutSeconds": "300",
        "fieldSelector": "metadata.name=a",
    }


def test_only_the_object_that_was_seen_is_deleted() -> None:
    request = requests.delete("/x", "u-1")
    assert request.body == {
        "preconditions": {"uid": "u-1"},
        "propagationPolicy": "Background",
    }
    assert request.pairs("me") == []
