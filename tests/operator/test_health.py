"""The liveness probe's listener."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from batchprocess_operator import health
from batchprocess_operator.health import serve_health

ASKED = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


def serving(question: Callable[[int], Awaitable[bytes]]) -> bytes:
    async def ask() -> bytes:
        async with serve_health("127.0.0.1", 0, lambda: {"overdueSeconds": 1.5}) as port:
            return await question(port)

    return asyncio.run(ask())


async def answer(port: int, asked: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asked)
    try:
        return await reader.read()
    finally:
        writer.close()


def test_the_probe_gets_what_there_is_to_say() -> None:
    found = serving(lambda port: answer(port, ASKED))
    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert found.endswith(b'\r\n\r\n{"overdueSeconds": 1.5}')


@pytest.mark.parametrize(
    "asked", [b"GET / HTTP/1.1\r\n\r\n", b"POST /healthz x\r\n\r\n", b"\r\n\r\n"]
)
def test_nothing_else_is_there(asked: bytes) -> None:
    assert serving(lambda port: answer(port, asked)).startswith(b"HTTP/1.1 404 Not Found\r\n")


@pytest.mark.parametrize("asked", [b"GET /healthz", b"x" * 100_000])
def test_whoever_does_not_finish_a_question_is_hung_up_on(
    asked: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_SECONDS", 0.05)

    async def ask(port: int) -> bytes:
        try:
            return await answer(port, asked)
        except ConnectionError:
            return b""

    assert serving(ask) == b""


def test_of_too_many_connections_the_further_ones_are_closed_and_room_is_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "_MAX_CONNECTIONS", 2)

    async def ask(port: int) -> bytes:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.05)
        try:
            refused = await answer(port, ASKED)
        except ConnectionError:
            refused = b""
        for _, writer in silent:
            writer.close()
        await asyncio.sleep(0.05)
        return refused + await answer(port, ASKED)

    assert serving(ask).count(b"HTTP/1.1") == 1
