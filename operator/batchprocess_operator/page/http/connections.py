"""One question a connection, which ends with its answer, its time, its size or its place.

Whoever reaches the port may connect, so nothing that comes is kept but what aiohttp's parser needs,
and all of it is counted below the parser.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from batchprocess_operator.listen.accept import accept_forever, listening_socket
from batchprocess_operator.listen.meters import Meters, Rate

PLACES = 64
SECONDS = 20.0
"""From the first packet to the last of the answer."""
MAX_OCTETS = 32 * 1024
MAX_PIECES = 64
ADDRESS = Rate(1 / 100, burst=300)
"""Behind an ingress all visitors have one address."""


class Visitor(asyncio.Protocol):
    """Hands on to `inner` what comes, as long as that is within bounds."""

    def __init__(self, inner: asyncio.Protocol, address: str, places: "dict[Visitor, None]"):
        self.address = address
        self._inner, self._places = inner, places
        self._octets = self._pieces = 0
        self._transport: asyncio.Transport | None = None
        self._end = asyncio.get_running_loop().call_later(SECONDS, self.hang_up)
        places[self] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._inner.connection_made(transport)
        if self not in self._places:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._octets, self._pieces = self._octets + len(data), self._pieces + 1
        if self._octets > MAX_OCTETS or self._pieces > MAX_PIECES:
            self.hang_up()
        else:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._end.cancel()
        self._places.pop(self, None)
        self._inner.connection_lost(error)

    def hang_up(self) -> None:
        """Whatever is under way; the place is free at once."""
        self._end.cancel()
        self._places.pop(self, None)
        if self._transport is not None:
            self._transport.abort()


@asynccontextmanager
async def serve_visitors(
    inner: Callable[[], asyncio.Protocol], host: str, port: int
) -> AsyncIterator[int]:
    """Let them in while the block runs; yields the port, the system's choice if `port` is 0.

    Of too many connections the oldest ends of the address that has most of them.
    """
    loop, addresses = asyncio.get_running_loop(), Meters(ADDRESS)
    visitors: dict[Visitor, None] = {}
    beginning: set[asyncio.Task[object]] = set()

    def admit(address: str) -> bool:
        now = loop.time()
        if addresses.wait(address, now) > 0:
            return False
        addresses.count(address, now)
        return True

    def take(connection: socket.socket, address: str) -> None:
        if len(visitors) >= PLACES:
            counts = Counter(one.address for one in visitors)
            max(visitors, key=lambda one: counts[one.address]).hang_up()
        visitor = Visitor(inner(), address, visitors)
        task = loop.create_task(loop.connect_accepted_socket(lambda: visitor, connection))
        beginning.add(task)
        task.add_done_callback(beginning.discard)

    with listening_socket(host, port) as listening:
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(accept_forever(listening, admit, take))
            try:
                yield listening.getsockname()[1]
            finally:
                accepting.cancel()
                await asyncio.gather(*beginning, return_exceptions=True)
                for visitor in list(visitors):
                    visitor.hang_up()
                await asyncio.sleep(0)
