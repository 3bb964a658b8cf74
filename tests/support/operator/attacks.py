"""What a hostile pod does to a listener: one connection after another, each like this."""

import asyncio
import contextlib
import itertools
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from batchprocess.protocol.progress import REPORTS_PATH


@dataclass
class Attacker:
    """Connects to `port`, over TLS if it has a context, and notes what came of it.

    Loopback has many addresses; the honest have 127.0.0.1.
    """

    port: int
    address: str
    tls: ssl.SSLContext | None = None
    token: str = "no.token.atall"
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def head(self) -> bytes:
        first = f"POST {REPORTS_PATH}" if self.tls else "GET /healthz"
        return f"{first} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n".encode()

    async def connected(self, *, plain: bool = False) -> "Line":
        tls = None if plain else self.tls
        # One that is cancelled as it is made is closed politely, and would outlive its loop.
        more = {"ssl": tls, "server_hostname": "127.0.0.1", "ssl_shutdown_timeout": 0.01}
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(self.address, 0), **(more if tls else {})
        )
        return Line(reader, writer)


@dataclass
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *parts: bytes, pause: float = 0.0) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def until_the_end(self) -> None:
        while await self.reader.read(65_536):
            pass


Attack = Callable[[Attacker, Line], Awaitable[None]]


async def silence(_: Attacker, line: Line) -> None:
    await line.until_the_end()


async def half_a_head(one: Attacker, line: Line) -> None:
    await line.say(one.head)
    await line.until_the_end()


async def endless_headers(one: Attacker, line: Line) -> None:
    await line.say(one.head)
    for number in itertools.count():
        await line.say(b"X-%d: " % number + b"a" * 8_000 + b"\r\n")


async def tiny_headers(one: Attacker, line: Line) -> None:
    await line.say(one.head)
    for _ in itertools.count():
        await line.say(b"a:\r\n" * 1_000)


async def endless_line(one: Attacker, line: Line) -> None:
    await line.say(one.head)
    for _ in itertools.count():
        await line.say(b"a" * 65_536)


async def drops(one: Attacker, line: Line) -> None:
    for byte in itertools.chain(one.head, itertools.repeat(65)):
        await line.say(bytes([byte]))


async def slow_body(one: Attacker, line: Line) -> None:
    await line.say(one.head + b"Content-Length: 4000\r\n\r\n")
    await line.say(*[b" "] * 4_000, pause=0.1)


async def endless_body(one: Attacker, line: Line) -> None:
    await line.say(one.head + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in itertools.count():
        await line.say(b"4000\r\n" + b" " * 0x4000 + b"\r\n")


async def flood(one: Attacker, line: Line) -> None:
    """As many requests as are answered on each connection."""
    while True:
        await line.say(one.head + b"Content-Length: 2\r\n\r\n{}")
        answer = await line.reader.readuntil(b"\r\n\r\n")
        one.seen[answer.split(b" ", 2)[1].decode()] += 1
        length = answer.lower().partition(b"content-length: ")[2]
        await line.reader.readexactly(int(length.split(b"\r")[0] or 0))


async def pipeline(one: Attacker, line: Line) -> None:
    """Requests without ever reading an answer."""
    for _ in itertools.count():
        await line.say((one.head + b"Content-Length: 2\r\n\r\n{}") * 20)


async def attack(kind: Attack, one: Attacker, many: int, *, plain: bool = False) -> None:
    """`many` connections at a time; whoever is hung up on comes again. Until cancelled."""

    async def again_and_again() -> None:
        while True:
            line = None
            try:
                line = await one.connected(plain=plain)
                one.seen["connected"] += 1
                await kind(one, line)
            except (OSError, EOFError):
                one.seen["hung up on"] += 1
            finally:
                if line is not None:
                    line.writer.transport.abort()
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        for _ in range(many):
            group.create_task(again_and_again())


@contextlib.asynccontextmanager
async def under(kind: Attack, one: Attacker, many: int, *, plain: bool = False):
    """While the block runs."""
    task = asyncio.create_task(attack(kind, one, many, plain=plain))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # Connections that were aborted end in the loop's next turns.
        await asyncio.sleep(0.05)
