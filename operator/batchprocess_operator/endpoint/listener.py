"""Who may connect, and how many at a time: TLS over TCP, bounded before it costs anything."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from batchprocess_operator.endpoint.connections.acceptor import STOP_SECONDS, Acceptor
from batchprocess_operator.endpoint.connections.bounds import Bounds
from batchprocess_operator.endpoint.connections.table import Connections
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.http import http_server
from batchprocess_operator.listen.accept import listening_socket


@asynccontextmanager
async def serve(
    handler: ReportHandler,
    host: str,
    port: int,
    context: ssl.SSLContext,
    bounds: Bounds | None = None,
) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port, which is the system's choice if `port` is 0."""
    connections = Connections(bounds or Bounds(), handler.clock)
    server = http_server(handler, connections)
    listening = listening_socket(host, port)
    acceptor = Acceptor(server, context, connections)
    try:
        # In a group: should one ever end by itself, so does the endpoint, and nobody is let wait.
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(acceptor.run(listening)),
                group.create_task(connections.end_the_late_forever()),
            ]
            try:
                yield listening.getsockname()[1]
            finally:
                for task in tasks:
                    task.cancel()
    finally:
        listening.close()
        await _end_connections(server, connections)


async def _end_connections(server: web.Server, connections: Connections) -> None:
    server.pre_shutdown()
    await server.shutdown(STOP_SECONDS)
    # A polite end of TLS needs the other side's answer.
    connections.end_all()
    await asyncio.sleep(0)
