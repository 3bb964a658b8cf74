"""Pages that anybody may read, over real sockets, and anybody who does not want to read them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from batchprocess_operator.listen import pages
from batchprocess_operator.listen.meters import Rate
from batchprocess_operator.listen.pages import PLACES, Page, serve_pages
from support.operator.attacks import (
    Attack,
    Attacker,
    drops,
    endless_headers,
    endless_line,
    flood,
    half_a_head,
    pipeline,
    silence,
    under,
)

ASKED = b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"


def page(text: bytes = b"all is well") -> Page:
    return Page("/page", "text/plain", lambda: text)


def serving(question: Callable[[int], Awaitable[bytes]], one: Page | None = None) -> bytes:
    async def ask() -> bytes:
        async with serve_pages((one or page(),), "127.0.0.1", 0) as port:
            return await question(port)

    return asyncio.run(asyncio.wait_for(ask(), 60))


async def answer(port: int, asked: bytes) -> bytes:
    """What is answered; nothing if the connection is reset."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(asked)
            return await reader.read()
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "asked", [ASKED, b"GET /page?name=x HTTP/1.0\r\n\r\n", ASKED + b"GET /page HTTP/1.1\r\n\r\n"]
)
def test_whoever_asks_gets_the_page_once_and_the_connection_ends(asked: bytes) -> None:
    found = serving(lambda port: answer(port, asked))
    assert found.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
    assert found.endswith(b"\r\nContent-Length: 11\r\nConnection: close\r\n\r\nall is well")
    assert found.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "asked", [b"GET / HTTP/1.1\r\n\r\n", b"POST /page x\r\n\r\n", b"\r\n\r\n", b"GET  \xff\r\n\r\n"]
)
def test_nothing_else_is_there(asked: bytes) -> None:
    assert serving(lambda port: answer(port, asked)).startswith(b"HTTP/1.1 404 Not Found\r\n")


@pytest.mark.hostile
@pytest.mark.parametrize("asked", [b"GET /page", b"x" * 100_000, ASKED[:-1] + b"x" * 8_192])
def test_whoever_does_not_finish_a_question_is_hung_up_on(
    asked: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_SECONDS", 0.05)
    assert serving(lambda port: answer(port, asked)) == b""


@pytest.mark.slow
@pytest.mark.hostile
def test_whoever_does_not_read_the_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_SECONDS", 0.2)

    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(ASKED)
        await asyncio.sleep(1)
        found = b""
        with contextlib.suppress(ConnectionError):
            found = await reader.read()
        writer.transport.abort()
        await asyncio.sleep(0)
        return found

    assert len(serving(ask, page(b"x" * 20_000_000))) < 20_000_000


@pytest.mark.hostile
def test_of_too_many_connections_the_oldest_ends_and_an_honest_question_is_answered() -> None:
    async def ask(port: int) -> bytes:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(PLACES + 3)]
        found = await answer(port, ASKED)
        with contextlib.suppress(ConnectionError):
            assert await silent[0][0].read() == b""
        for _, writer in silent:
            writer.transport.abort()
        await asyncio.sleep(0.05)
        return found

    assert serving(ask).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.hostile
def test_an_address_that_takes_all_places_takes_them_from_itself() -> None:
    async def ask(port: int) -> bytes:
        reader, slow = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
        slow.write(ASKED[:9])
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2 * PLACES)]
        slow.write(ASKED[9:])
        found = await reader.read()
        for writer in (slow, *(one for _, one in silent)):
            writer.transport.abort()
        await asyncio.sleep(0.05)
        return found

    assert serving(ask).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.hostile
def test_an_address_that_comes_too_often_is_hung_up_on_and_another_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "_ADDRESS", Rate(3_600, burst=3))

    async def ask(port: int) -> bytes:
        said = [await answer(port, ASKED) for _ in range(5)]
        assert [one[9:12] for one in said] == [b"200"] * 3 + [b""] * 2
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=("127.0.0.2", 0)
        )
        writer.write(ASKED)
        found = await reader.read()
        writer.transport.abort()
        await asyncio.sleep(0)
        return found

    assert serving(ask).startswith(b"HTTP/1.1 200 OK")


def test_the_page_is_made_once_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_FRESH_SECONDS", 3_600)
    made = []

    def make() -> bytes:
        made.append(1)
        return b"x"

    async def ask(port: int) -> bytes:
        return b"".join([await answer(port, ASKED) for _ in range(5)])

    assert serving(ask, Page("/page", "text/plain", make)).count(b"200 OK") == 5
    assert len(made) == 1


@pytest.mark.hostile
@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [silence, half_a_head, endless_headers, endless_line, drops, flood, pipeline]
)
def test_an_honest_question_is_answered_under_attack(kind: Attack) -> None:
    async def ask() -> bytes:
        async with (
            serve_pages((page(),), "127.0.0.1", 0) as port,
            under(kind, Attacker(port, "127.0.0.66"), 100),
        ):
            await asyncio.sleep(1)
            return await answer(port, ASKED)

    assert asyncio.run(asyncio.wait_for(ask(), 60)).startswith(b"HTTP/1.1 200 OK")
