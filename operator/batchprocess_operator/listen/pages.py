"""Pages that anybody may read: one question a connection, which ends with its answer."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from batchprocess_operator.listen.accept import accept_forever, listening_socket
from batchprocess_operator.listen.meters import Meters, Rate

PLACES = 32
_MAX_REQUEST = 8_192
_MAX_PIECES = 64
_SECONDS = 5.0
_FRESH_SECONDS = 1.0
_ADDRESS = Rate(1 / 50, burst=100)


@dataclass
class Page:
    """What stands at `path`, made anew at most once a second however often it is asked for.

    `holds`: whether what the page stands for is so; 503 if not.
    """

    path: str
    content_type: str
    make: Callable[[], bytes]
    holds: Callable[[], bool] = lambda: True
    _made: tuple[float, bytes] | None = field(default=None, init=False)

    def answer(self, now: float) -> bytes:
        """The whole answer to a request for it."""
        if self._made is None or now - self._made[0] >= _FRESH_SECONDS:
            line = "200 OK" if self.holds() else "503 Service Unavailable"
            self._made = now, _answer(line, self.content_type, self.make())
        return self._made[1]


def _answer_to(head: bytes, pages: Sequence[Page], now: float) -> bytes:
    method, _, rest = head.partition(b" ")
    asked = rest.split(b" ", 1)[0].partition(b"?")[0]
    for page in pages:
        if (method, asked) == (b"GET", page.path.encode()):
            return page.answer(now)
    return _answer("404 Not Found", pages[0].content_type, b"")


def _answer(line: str, content_type: str, body: bytes) -> bytes:
    lines = (f"HTTP/1.1 {line}", f"Content-Type: {content_type}")
    more = (f"Content-Length: {len(body)}", "Connection: close", "", "")
    return "\r\n".join([*lines, *more]).encode() + body


class _Visitor(asyncio.Protocol):
    """One connection. Whoever is slow, says too much or nothing of HTTP is hung up on."""

    def __init__(self, pages: Sequence[Page], address: str, places: "dict[_Visitor, None]") -> None:
        self.address = address
        self._pages, self._places, self._loop = pages, places, asyncio.get_running_loop()
        self._head, self._pieces, self._answered = b"", 0, False
        self._transport: asyncio.Transport | None = None
        self._end = self._loop.call_later(_SECONDS, self.hang_up)
        places[self] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self not in self._places:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._answered or self._transport is None:
            return
        self._head, self._pieces = self._head + data, self._pieces + 1
        if b"\r\n\r\n" in self._head[:_MAX_REQUEST]:
            self._answered = True
            self._transport.write(_answer_to(self._head, self._pages, self._loop.time()))
            self._transport.close()
        elif len(self._head) >= _MAX_REQUEST or self._pieces >= _MAX_PIECES:
            self.hang_up()

    def connection_lost(self, _error: Exception | None) -> None:
        self._end.cancel()
        self._places.pop(self, None)

    def hang_up(self) -> None:
        """Whatever is under way; the place is free at once."""
        self._places.pop(self, None)
        if self._transport is not None:
            self._transport.abort()


@asynccontextmanager
async def serve_pages(pages: Sequence[Page], host: str, port: int) -> AsyncIterator[int]:
    """Answer while the block runs; yields the port, which is the system's choice if `port` is 0.

    Of too many connections one ends of the address that has most of them.
    """
    loop, addresses = asyncio.get_running_loop(), Meters(_ADDRESS)
    visitors: dict[_Visitor, None] = {}
    beginning: set[asyncio.Task[object]] = set()

    def admit(address: str) -> bool:
        now = loop.time()
        if addresses.wait(address, now) > 0:
            return False
        addresses.count(address, now)
        return True

    def take(connection: socket.socket, address: str) -> None:
        if len(visitors) >= PLACES:
            _one_too_many(visitors).hang_up()
        visitor = _Visitor(pages, address, visitors)
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


def _one_too_many(visitors: Iterable[_Visitor]) -> _Visitor:
    """The oldest of the address that has most."""
    counts = Counter(one.address for one in visitors)
    return max(visitors, key=lambda one: counts[one.address])
