"""Taking connections in one after the other, so many silent ones at a time and no more."""

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from batchprocess_operator.endpoint.small_tls import shake_hands

_LOG = logging.getLogger(__name__)
STOP_SECONDS = 2
_HANDSHAKE_SECONDS = 5
_HELLO_SECONDS = 1.0
_RETRY_SECONDS = 0.5


@dataclass
class Acceptor:
    """Lets in whoever comes; of too many that say nothing, the one that came first has to go.

    Asyncio's own servers wait for any number of handshakes at a time.
    """

    server: web.Server
    context: ssl.SSLContext
    max_silent: int
    shaking: dict[asyncio.Task[None], float] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept_forever(self, listening: socket.socket) -> None:
        """Until cancelled, which cancels the handshakes that are under way."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._make_room()
                try:
                    connection, _ = await loop.sock_accept(listening)
                except OSError as error:
                    _LOG.warning("no connection can be accepted: %s", error)
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                task = asyncio.create_task(_shake_hands(connection, self.server, self.context))
                self.shaking[task] = loop.time()
                task.add_done_callback(self._end)
                # It has to have begun before it may be cancelled, and others want their turn.
                await asyncio.sleep(0)
        finally:
            left = list(self.shaking)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _make_room(self) -> None:
        """Also in a rush everybody has a moment to shake hands; who comes later waits outside."""
        while len(self.shaking) >= self.max_silent:
            oldest, since = next(iter(self.shaking.items()))
            left = since + _HELLO_SECONDS - asyncio.get_running_loop().time()
            if left <= 0:
                del self.shaking[oldest]
                oldest.cancel()
                return
            self.ended.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), left)

    def _end(self, task: asyncio.Task[None]) -> None:
        self.shaking.pop(task, None)
        self.ended.set()


async def _shake_hands(
    connection: socket.socket, server: web.Server, context: ssl.SSLContext
) -> None:
    # Whoever fails has gone, or speaks another language: nothing that we could repair.
    with suppress(OSError):
        await shake_hands(
            connection,
            server,
            context,
            handshake_seconds=_HANDSHAKE_SECONDS,
            shutdown_seconds=STOP_SECONDS,
        )
