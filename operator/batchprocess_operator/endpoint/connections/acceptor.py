"""From accepted connections to such that speak TLS, each in a task of its own."""

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from batchprocess_operator.endpoint.connections.small_tls import shake_hands
from batchprocess_operator.endpoint.connections.table import Connection, Connections
from batchprocess_operator.listen.accept import accept_forever

STOP_SECONDS = 2


@dataclass
class Acceptor:
    """Asyncio's own servers wait for any number of handshakes at a time; `connections` does not."""

    server: web.Server
    context: ssl.SSLContext
    connections: Connections
    shaking: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, listening: socket.socket) -> None:
        """Until cancelled, which cancels the handshakes that are under way."""
        connections = self.connections
        try:
            await accept_forever(listening, connections.admit, self._take, connections.room)
        finally:
            left = list(self.shaking)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _take(self, connection: socket.socket, address: str) -> None:
        protocol = self.server()
        watch = self.connections.enter(address, protocol)
        task = asyncio.create_task(self._shake_hands(connection, protocol, watch))
        self.shaking.add(task)
        task.add_done_callback(self.shaking.discard)

    async def _shake_hands(
        self, connection: socket.socket, protocol: web.RequestHandler, watch: Connection
    ) -> None:
        # Whoever fails has gone, or speaks another language: nothing that we could repair.
        with suppress(OSError):
            await shake_hands(
                connection, protocol, self.context, watch, shutdown_seconds=STOP_SECONDS
            )
