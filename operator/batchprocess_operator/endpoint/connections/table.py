"""Every connection of the endpoint from its first packet to its end, and what it may cost."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from batchprocess_operator.endpoint.connections import bounds as limits
from batchprocess_operator.endpoint.connections.bounds import Bounds
from batchprocess_operator.endpoint.connections.kept import Kept
from batchprocess_operator.endpoint.report_store import PodFacts
from batchprocess_operator.listen.meters import Meters

_SWEEP_SECONDS = 1.0


@dataclass(eq=False, slots=True)
class Connection:
    """One of them. `charged`: counts against its address as long as it has brought nothing."""

    address: str
    since: float
    deadline: float
    left: Callable[["Connection"], None]
    charged: bool = True
    octets: int = 0
    pieces: int = 0
    over: bool = False
    transport: asyncio.Transport | None = None

    def begun(self, transport: asyncio.Transport) -> None:
        """As `small_tls.Watch`."""
        self.transport = transport
        if self.over:
            transport.abort()

    def received(self, octets: int) -> bool:
        """As `small_tls.Watch`: False, and the end, once a request has become too long."""
        self.octets += octets
        self.pieces += 1
        if self.octets > limits.MAX_OCTETS or self.pieces > limits.MAX_PIECES:
            self.abort()
            return False
        return True

    def ended(self) -> None:
        """As `small_tls.Watch`."""
        self.left(self)

    def abort(self) -> None:
        """End it now, whatever is under way."""
        self.over = True
        if self.transport is not None:
            self.transport.abort()
        self.left(self)

    @property
    def unread(self) -> int:
        """Bytes of answers that wait for the other side to read."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()


@dataclass
class Connections:
    """Admits, keeps and ends them. `clock` in seconds, never going back."""

    bounds: Bounds
    clock: Callable[[], float]
    strangers: dict[Connection, None] = field(default_factory=dict, init=False)
    kept: Kept[Connection] = field(init=False)
    _of: dict[object, Connection] = field(default_factory=dict, init=False)
    _some_left: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        self.kept = Kept(self.bounds.kept)
        self._handshakes = Meters(self.bounds.handshakes)
        self._addresses = Meters(self.bounds.address)

    def admit(self, address: str) -> bool:
        """Whether one more may begin from there; it costs nothing yet."""
        now = self.clock()
        return self._addresses.wait(address, now) <= 0 and self._handshakes.wait("", now) <= 0

    def enter(self, address: str, protocol: object) -> Connection:
        """One that was admitted; `protocol` is what answers its requests."""
        now = self.clock()
        self._addresses.count(address, now)
        self._handshakes.count("", now)
        left = partial(self._left, protocol)
        made = Connection(address, now, now + limits.STRANGER_SECONDS, left)
        self.strangers[made] = None
        self._of[protocol] = made
        return made

    async def room(self) -> None:
        """Until one more stranger may come: the oldest goes for it, once it had its moment."""
        while len(self.strangers) >= self.bounds.strangers:
            oldest = next(iter(self.strangers))
            left = oldest.since + self.bounds.moment - self.clock()
            if left <= 0:
                oldest.abort()
                return
            self._some_left.clear()
            try:
                async with asyncio.timeout(left):
                    await self._some_left.wait()
            except TimeoutError:
                continue

    def taken(self, protocol: object, pod: PodFacts) -> bool:
        """A report of `pod` was taken on this connection. Whether it is kept open."""
        connection = self._of.get(protocol)
        if connection is None:
            return False
        self._forgive(connection)
        kept, gone = self.kept.enter(connection, pod)
        if gone is not None:
            gone.abort()
        if not kept:
            return self._say_goodbye(connection)
        self.strangers.pop(connection, None)
        self._some_left.set()
        return self._go_on(connection)

    def refused(self, protocol: object, *, blameless: bool) -> bool:
        """A request was refused. Whether the connection is kept: a stranger's never is."""
        connection = self._of.get(protocol)
        if connection is None:
            return False
        if blameless:
            self._forgive(connection)
        elif connection in self.kept:
            self._addresses.count(connection.address, self.clock())
        if blameless and connection in self.kept:
            return self._go_on(connection)
        return self._say_goodbye(connection)

    async def end_the_late_forever(self) -> None:
        """Whoever is too slow."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = self.clock()
            for one in list(self._of.values()):
                if one.deadline <= now:
                    one.abort()

    def end_all(self) -> None:
        """Without a goodbye, for which nobody waits any more."""
        for one in list(self._of.values()):
            one.abort()

    def _go_on(self, connection: Connection) -> bool:
        if connection.unread > limits.MAX_UNREAD:
            connection.abort()
            return False
        connection.octets = connection.pieces = 0
        connection.deadline = self.clock() + limits.KEPT_SECONDS
        return True

    def _say_goodbye(self, connection: Connection) -> bool:
        connection.deadline = min(connection.deadline, self.clock() + limits.GOODBYE_SECONDS)
        return False

    def _forgive(self, connection: Connection) -> None:
        if connection.charged:
            connection.charged = False
            self._addresses.give_back(connection.address)

    def _left(self, protocol: object, connection: Connection) -> None:
        self._of.pop(protocol, None)
        self.strangers.pop(connection, None)
        self.kept.leave(connection)
        self._some_left.set()
