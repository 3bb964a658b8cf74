"""Connections, honest and other ones, to a page that is served."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from batchprocess_operator.listen.meters import Rate
from batchprocess_operator.page.http import connections as module
from batchprocess_operator.page.http.connections import serve_visitors

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo(asyncio.Protocol):
    """Answers each piece, and ends at a full stop."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[attr-defined]
        if b"." in data:
            self.transport.close()


def with_server(go: Callable[[int], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with serve_visitors(Echo, "127.0.0.1", 0) as port:
            await go(port)

    asyncio.run(asyncio.wait_for(inside(), 30))


async def connect(port: int, address: str = "127.0.0.1") -> Streams:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))


async def asked(streams: Streams, text: bytes = b"hello.") -> bytes:
    reader, writer = streams
    try:
        writer.write(text)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


def test_what_comes_is_handed_on_and_answered():
    async def go(port: int) -> None:
        assert await asked(await connect(port)) == b"hello."

    with_server(go)


@pytest.mark.hostile
def test_too_much_and_too_many_pieces_are_hung_up_on():
    async def go(port: int) -> None:
        assert len(await asked(await connect(port), b"x" * (module.MAX_OCTETS + 1))) < 40_000
        reader, writer = await connect(port)
        with contextlib.suppress(ConnectionError):
            for _ in range(module.MAX_PIECES + 5):
                writer.write(b"x")
                await reader.read(1)
        assert await asked((reader, writer)) == b""

    with_server(go)


@pytest.mark.hostile
def test_whoever_takes_too_long_is_hung_up_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SECONDS", 0.05)

    async def go(port: int) -> None:
        reader, writer = await connect(port)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.transport.abort()

    with_server(go)


@pytest.mark.hostile
def test_of_too_many_connections_the_oldest_of_who_has_most_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PLACES", 8)

    async def go(port: int) -> None:
        honest = await connect(port, "127.0.0.2")
        bad = [await connect(port, "127.0.0.3") for _ in range(30)]
        assert await asked(honest) == b"hello."
        assert await asked(await connect(port, "127.0.0.4")) == b"hello."
        for _, writer in bad:
            writer.transport.abort()

    with_server(go)


@pytest.mark.hostile
def test_an_address_that_comes_too_often_is_hung_up_on_and_another_is_not(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(module, "ADDRESS", Rate(3_600, burst=3))

    async def go(port: int) -> None:
        found = [await asked(await connect(port, "127.0.0.5")) for _ in range(5)]
        assert found == [b"hello."] * 3 + [b""] * 2
        assert await asked(await connect(port, "127.0.0.6")) == b"hello."

    with_server(go)
