"""The liveness probe's answer; how its listener is bounded is told in `listen/test_pages.py`."""

import asyncio

from batchprocess_operator.health import serve_health


async def answer(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    try:
        return await reader.read()
    finally:
        writer.close()


def test_the_probe_gets_what_there_is_to_say_and_nothing_else_is_there() -> None:
    async def ask() -> list[bytes]:
        async with serve_health("127.0.0.1", 0, lambda: {"overdueSeconds": 1.5}) as port:
            return [await answer(port, path) for path in ("/healthz", "/")]

    found, missing = asyncio.run(ask())
    assert found.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    assert found.endswith(b'\r\n\r\n{"overdueSeconds": 1.5}')
    assert missing.startswith(b"HTTP/1.1 404 Not Found\r\n")
