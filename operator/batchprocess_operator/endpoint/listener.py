"""Who may connect, and how many at a time: TLS over TCP, bounded before it costs anything."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from batchprocess_operator.endpoint.acceptor import STOP_SECONDS, Acceptor
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.http import http_server
from batchprocess_operator.endpoint.limits import Meters, Rate

_BACKLOG = 1_024


@dataclass(frozen=True)
class Bounds:
    """Connections that are kept, connections at all, and how fast they may be made.

    `silent`: connections that have not shaken hands. Each has its buffers from the first moment on.
    """

    kept: int = 2_500
    total: int = 5_000
    silent: int = 500
    handshakes: Rate = field(default_factory=lambda: Rate(1 / 250, burst=500))


@asynccontextmanager
async def serve(
    handler: ReportHandler,
    host: str,
    port: int,
    context: ssl.SSLContext,
    bounds: Bounds | None = None,
) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port, which is the system's choice if `port` is 0."""
    bounds = bounds or Bounds()
    server = http_server(handler, bounds.kept)
    _bound_handshakes(context, bounds, lambda: len(server.connections), handler.clock)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listening.setblocking(False)
    acceptor = Acceptor(server, context, bounds.silent)
    try:
        # In a group: should it ever end by itself, so does the endpoint, and nobody is let wait.
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(acceptor.accept_forever(listening))
            try:
                yield listening.getsockname()[1]
            finally:
                accepting.cancel()
    finally:
        listening.close()
        await _end_connections(server)


async def _end_connections(server: web.Server) -> None:
    transports = [one.transport for one in server.connections if one.transport is not None]
    server.pre_shutdown()
    await server.shutdown(STOP_SECONDS)
    # A polite end of TLS needs the other side's answer, for which nobody waits any more.
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)


def _bound_handshakes(
    context: ssl.SSLContext,
    bounds: Bounds,
    connections: Callable[[], int],
    clock: Callable[[], float],
) -> None:
    """Refuse what would be too much before any cryptography is done for it."""
    handshakes = Meters(bounds.handshakes)

    def refuse_if_too_many(
        _connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        now = clock()
        if connections() >= bounds.total or handshakes.wait("", now) > 0:
            return ssl.ALERT_DESCRIPTION_USER_CANCELLED
        handshakes.count("", now)
        return None

    # Despite its name this is called for every ClientHello, also one without a server name.
    context.sni_callback = refuse_if_too_many
