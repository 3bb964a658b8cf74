"""The answer to the liveness probe: whoever gets it in time knows that our loop turns."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

_MAX_CONNECTIONS = 32
_MAX_REQUEST = 8_192
_SECONDS = 5.0


class _Health:
    """One question a connection, which is closed after its answer."""

    def __init__(self, facts: Callable[[], Mapping[str, float]]) -> None:
        self._facts, self._open = facts, 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Whoever says nothing, too much or nothing of HTTP is hung up on."""
        self._open += 1
        try:
            if self._open <= _MAX_CONNECTIONS:
                async with asyncio.timeout(_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer_to(head))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it has gone, and nothing is owed to it
        finally:
            self._open -= 1
            writer.close()

    def _answer_to(self, head: bytes) -> bytes:
        found = head.split(b" ", 2)[:2] == [b"GET", b"/healthz"]
        body = json.dumps(dict(self._facts()) if found else {}).encode()
        line = b"200 OK" if found else b"404 Not Found"
        length = f"Content-Length: {len(body)}".encode()
        head_lines = (b"HTTP/1.1 " + line, b"Content-Type: application/json", length)
        return b"\r\n".join([*head_lines, b"Connection: close", b"", body])


@asynccontextmanager
async def serve_health(
    host: str, port: int, facts: Callable[[], Mapping[str, float]]
) -> AsyncIterator[int]:
    """Answer GET /healthz with `facts` while the block runs; yields the port."""
    health = _Health(facts)
    server = await asyncio.start_server(health.answer, host, port, limit=_MAX_REQUEST)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
