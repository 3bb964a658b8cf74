"""The probes' answers; how its listener is bounded is told in `listen/test_pages.py`."""

import asyncio

from batchprocess_operator.health import serve_health


async def answer(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    try:
        return await reader.read()
    finally:
        writer.close()


def answers(ready: bool, *paths: str) -> list[bytes]:
    async def ask() -> list[bytes]:
        facts = {"overdueSeconds": 1.5}
        async with serve_health("127.0.0.1", 0, lambda: facts, lambda: ready) as port:
            return [await answer(port, path) for path in paths]

    return asyncio.run(ask())


def test_the_probe_gets_what_there_is_to_say_and_nothing_else_is_there() -> None:
    found, missing = answers(True, "/healthz", "/")
    assert found.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    assert found.endswith(b'\r\n\r\n{"overdueSeconds": 1.5}')
    assert missing.startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_who_cannot_take_reports_is_alive_and_not_ready() -> None:
    healthy, ready = answers(False, "/healthz", "/readyz")
    assert healthy.startswith(b"HTTP/1.1 200 OK\r\n")
    assert ready.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert ready.endswith(b'{"ready": false}')
    (ready,) = answers(True, "/readyz")
    assert ready.startswith(b"HTTP/1.1 200 OK\r\n")
