"""What answers of the API server mean, and how much of them is read."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from batchprocess.kube import pages
from batchprocess_operator.kube import client
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import Expired, OversizedAnswer, Unavailable
from batchprocess_operator.kube.rate_limit import RateLimit
from batchprocess_operator.kube.server_clock import ServerClock

ITEMS = [{"metadata": {"name": f"pod-{number}"}, "padding": "x" * 900} for number in range(40)]


async def a_page(request: web.Request) -> web.StreamResponse:
    """40 pods of a kilobyte each, `limit` at a time, as the API server cuts them."""
    match request.path:
        case "/busy":
            return web.json_response({"message": "x"}, status=429, headers={"Retry-After": "7"})
        case "/html":
            return web.Response(text="<html>")
        case "/deep":
            return web.Response(text='{"items": ' + "[" * 9_990 + "]" * 9_990 + "}")
    if "watch" in request.query:
        return await _stream(request)
    first, size = int(request.query.get("continue", "0")), int(request.query["limit"])
    following = first + size
    token = str(following) if following < len(ITEMS) else ""
    meta = {"continue": token, "resourceVersion": "77"}
    return web.json_response({"metadata": meta, "items": ITEMS[first:following]})


async def _stream(request: web.Request) -> web.StreamResponse:
    """Three lines in parts that are no lines; the last one is not finished."""
    if request.query["resourceVersion"] == "1":
        return web.json_response({"message": "too old"}, status=410)
    stream = web.StreamResponse()
    await stream.prepare(request)
    for part in (b"on", b"e\ntwo\nth", b"r", b"ee\nfo"):
        await stream.write(part)
        await asyncio.sleep(0.01)
    return stream


def asked(question: Callable[[Api], Awaitable[Any]], time: ServerClock | None = None) -> Any:
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
                    Api(made, RateLimit(1000, 1000, asyncio.get_running_loop().time), time)
                )
        finally:
            await runner.cleanup()

    return asyncio.run(ask())


async def names(api: Api) -> list[str]:
    return [one["metadata"]["name"] async for one in api.pages("/api/v1/pods")]


@pytest.mark.hostile
@pytest.mark.parametrize("limit", [pages.MAX_PAGE, 10_000, 1_200])
def test_pages_of_large_objects_are_made_smaller_and_none_is_missed(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE", limit)
    assert asked(names) == [f"pod-{number}" for number in range(40)]


@pytest.mark.hostile
def test_an_object_larger_than_any_may_be_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_ANSWER", 900)
    monkeypatch.setattr(pages, "MAX_PAGE", 900)
    with pytest.raises(OversizedAnswer, match="GET /api/v1/pods answered more than 900 bytes"):
        asked(names)


@pytest.mark.hostile
def test_of_one_answer_no_more_is_read_than_who_asks_wants() -> None:
    with pytest.raises(OversizedAnswer, match="GET /deep answered more than 900 bytes"):
        asked(lambda api: api.get("/deep", most=900))


@pytest.mark.parametrize("path", ["/deep", "/busy"])
def test_our_time_is_that_of_the_answers_of_errors_too(path: str) -> None:
    time = ServerClock(monotonic, lambda: datetime(2040, 1, 1, tzinfo=UTC))

    async def ask(api: Api) -> None:
        with suppress(Unavailable):
            await api.get(path)

    asked(ask, time)
    assert abs((time.now() - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.hostile
def test_an_object_as_deep_as_the_api_server_takes_it_is_read() -> None:
    assert "items" in asked(lambda api: api.get("/deep"))


def test_an_answer_that_is_no_json_is_none() -> None:
    with pytest.raises(Unavailable, match="GET /html answered what is no JSON"):
        asked(lambda api: api.get("/html"))


@pytest.mark.hostile
def test_how_long_to_wait_is_taken_from_the_answer() -> None:
    with pytest.raises(Unavailable) as caught:
        asked(lambda api: api.get("/busy"))
    assert caught.value.retry_after == 7


async def lines(api: Api, version: int) -> list[bytes]:
    return [line async for line in api.watch("/api/v1/pods", "label", version)]


def test_a_watch_gives_whole_lines() -> None:
    assert asked(lambda api: lines(api, 77)) == [b"one", b"two", b"three"]


def test_a_watch_that_begins_too_long_ago_is_told_so() -> None:
    with pytest.raises(Expired):
        asked(lambda api: lines(api, 1))


@pytest.mark.hostile
def test_a_line_longer_than_any_may_be_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 3)
    with pytest.raises(OversizedAnswer, match="a line of more than 3 bytes"):
        asked(lambda api: lines(api, 77))


def test_a_watch_begins_where_a_list_is_now() -> None:
    assert asked(lambda api: api.newest_version("/api/v1/pods", "label")) == 77
