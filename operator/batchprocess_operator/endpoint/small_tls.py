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
from collections.abc import Callable

TLS_BUFFER = 16 * 1024
"""Bytes; a TLS record has no more."""


class SmallTlsProtocol(SSLProtocol):
    """One TLS connection. Only its own buffer is small: others of the process keep theirs."""

    max_size = TLS_BUFFER


async def shake_hands(
    connection: socket.socket,
    make_protocol: Callable[[], asyncio.Protocol],
    context: ssl.SSLContext,
    *,
    handshake_seconds: int,
    shutdown_seconds: int,
) -> None:
    """Hand an accepted connection to a protocol, once TLS is up. OSError if that fails."""
    loop = asyncio.get_running_loop()
    shaken: asyncio.Future[None] = loop.create_future()
    protocol = SmallTlsProtocol(
        loop,
        make_protocol(),
        context,
        shaken,
        server_side=True,
        ssl_handshake_timeout=handshake_seconds,
        ssl_shutdown_timeout=shutdown_seconds,
    )
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection)
    try:
        await shaken
    except BaseException:
        transport.abort()
        raise
