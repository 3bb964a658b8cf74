"""What answers of the API server mean, and how much of them is read."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from batchprocess_operator.kube import client
from batchprocess_operator.kube.client import Api, error_of
from batchprocess_operator.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Denied,
    NotFound,
    OversizedAnswer,
    Rejected,
    Unavailable,
)
from batchprocess_operator.kube.rate_limit import RateLimit

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


ITEMS = [{"metadata": {"name": f"pod-{number}"}, "padding": "x" * 900} for number in range(40)]


async def a_page(request: web.Request) -> web.Response:
    """40 pods of a kilobyte each, `limit` at a time, as the API server cuts them."""
    first, size = int(request.query.get("continue", "0")), int(request.query["limit"])
    following = first + size
    token = str(following) if following < len(ITEMS) else ""
    return web.json_response({"metadata": {"continue": token}, "items": ITEMS[first:following]})


def asked(question: Callable[[Api], Awaitable[Any]]) -> Any:
    """What `question` gets from a server that answers with `a_page` everywhere."""

    async def ask() -> Any:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", a_page)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            async with ApiClient(Configuration(host=f"http://{host}:{port}")) as made:
                return await question(
                    Api(made, RateLimit(1000, 1000, asyncio.get_running_loop().time))
                )
        finally:
            await runner.cleanup()

    return asyncio.run(ask())


async def names(api: Api) -> list[str]:
    return [one["metadata"]["name"] async for one in api.pages("/api/v1/pods")]


@pytest.mark.parametrize("limit", [client.MAX_ANSWER, 10_000, 1_200])
def test_pages_of_large_objects_are_made_smaller_and_none_is_missed(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", limit)
    assert asked(names) == [f"pod-{number}" for number in range(40)]


def test_an_object_larger_than_any_may_be_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 900)
    with pytest.raises(OversizedAnswer, match="GET /api/v1/pods answered more than 900 bytes"):
        asked(names)
