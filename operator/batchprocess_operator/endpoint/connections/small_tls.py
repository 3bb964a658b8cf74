"""TLS connections with small buffers: all that we use of asyncio's private parts.

Python reads TLS into 256 KiB of its own for each connection, ten times what all the rest of a
connection takes: thousands of idle workers would cost a gigabyte (docs/adr/0006). Nothing public
changes that, so this is what asyncio does itself (`BaseEventLoop._create_connection_transport`)
with a subclass of its protocol. A test names the versions of Python that it holds for.
"""

import asyncio
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from typing import Protocol, cast

TLS_BUFFER = 16 * 1024
"""Bytes; a TLS record has no more."""


class Watch(Protocol):
    """Who follows one connection below its TLS, where everything that comes has its cost."""

    def begun(self, transport: asyncio.Transport) -> None:
        """The TCP connection, which `abort` ends."""

    def received(self, octets: int) -> bool:
        """Something has come. False: it is ignored, and nothing more is read."""

    def ended(self) -> None:
        """The connection is gone. Called once or more."""


class SmallTlsProtocol(SSLProtocol):
    """One TLS connection. Only its own buffer is small: others of the process keep theirs."""

    max_size = TLS_BUFFER
    watch: Watch

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TCP connection is there, and nothing of TLS yet."""
        self.watch.begun(cast(asyncio.Transport, transport))
        super().connection_made(transport)

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes have come."""
        if self.watch.received(nbytes):
            super().buffer_updated(nbytes)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The TCP connection is gone."""
        super().connection_lost(exc)
        self.watch.ended()


async def shake_hands(
    connection: socket.socket,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    watch: Watch,
    *,
    shutdown_seconds: float,
) -> None:
    """Hand an accepted connection to a protocol, once TLS is up. OSError if that fails.

    How long it may take is the watch's to say.
    """
    loop = asyncio.get_running_loop()
    shaken: asyncio.Future[None] = loop.create_future()
    tls = SmallTlsProtocol(
        loop,
        protocol,
        context,
        shaken,
        server_side=True,
        ssl_shutdown_timeout=shutdown_seconds,
    )
    tls.watch = watch
    try:
        transport, _ = await loop.connect_accepted_socket(lambda: tls, connection)
        try:
            await shaken
        except BaseException:
            transport.abort()
            raise
    except BaseException:
        watch.ended()
        raise
