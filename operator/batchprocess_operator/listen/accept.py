"""Taking connections in, one after the other and no faster than leaves time for all else."""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable

from batchprocess_operator.listen.meters import Meters, Rate

_LOG = logging.getLogger(__name__)
_BACKLOG = 1_024
_KERNEL_BUFFER = 32 * 1024
"""Each way. Without it the kernel keeps up to 6 MiB for whoever sends without being read."""
_PACE = Rate(1 / 2_000, burst=100)
_RETRY_SECONDS = 0.5
_RESET = struct.pack("ii", 1, 0)


def listening_socket(host: str, port: int) -> socket.socket:
    """One whose connections have small buffers. OSError if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    made.setblocking(False)
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, buffer, _KERNEL_BUFFER)
    return made


async def accept_forever(
    listening: socket.socket,
    admit: Callable[[str], bool],
    take: Callable[[socket.socket, str], None],
    room: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Give each connection and its address to `take`, or hang up where `admit` says no.

    `room`: waited for before each; those who come meanwhile wait in the kernel.
    """
    loop, pace = asyncio.get_running_loop(), Meters(_PACE)
    while True:
        if room is not None:
            await room()
        try:
            connection, (address, *_) = await loop.sock_accept(listening)
        except OSError as error:
            _LOG.warning("no connection can be accepted: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        if admit(address):
            take(connection, address)
        else:
            _hang_up(connection)
        pace.count("", loop.time())
        # Also without a wait, others get their turn here.
        await asyncio.sleep(pace.wait("", loop.time()))


def _hang_up(connection: socket.socket) -> None:
    """Without a word, and without anything that the kernel would have to keep."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()
