"""Connections from their first packet to their end, by a clock that stands."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from batchprocess_operator.endpoint.connections import table
from batchprocess_operator.endpoint.connections.bounds import (
    KEPT_SECONDS,
    MAX_OCTETS,
    MAX_PIECES,
    MAX_UNREAD,
    STRANGER_SECONDS,
    Bounds,
)
from batchprocess_operator.endpoint.connections.table import Connection, Connections
from batchprocess_operator.listen.meters import Rate
from support.operator.fake_pods import POD


class FakeTransport(asyncio.Transport):
    """Notes that it was aborted; `unread` bytes wait in it."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted, self.unread = False, 0

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.unread


@dataclass
class World:
    """A table with a clock of its own; connections are called by names, which are protocols too."""

    bounds: Bounds = field(default_factory=Bounds)
    now: float = 0.0
    transports: dict[str, FakeTransport] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = Connections(self.bounds, lambda: self.now)

    def enter(self, name: str, address: str = "10.0.0.1") -> Connection:
        made = self.table.enter(address, name)
        self.transports[name] = FakeTransport()
        made.begun(self.transports[name])
        return made

    def ended(self) -> set[str]:
        return {name for name, one in self.transports.items() if one.aborted}

    def sweep(self, monkeypatch: pytest.MonkeyPatch, now: float) -> set[str]:
        """Who has ended by `now`."""
        monkeypatch.setattr(table, "_SWEEP_SECONDS", 0)
        self.now = now

        async def some_turns() -> None:
            task = asyncio.create_task(self.table.end_the_late_forever())
            for _ in range(5):
                await asyncio.sleep(0)
            task.cancel()

        asyncio.run(some_turns())
        return self.ended()


FEW = Bounds(address=Rate(10.0, burst=3))


@pytest.mark.hostile
def test_an_address_may_have_only_so_many_connections_that_bring_nothing():
    world = World(FEW)
    for n in range(3):
        assert world.table.admit("10.0.0.1")
        world.enter(f"c{n}")
    assert not world.table.admit("10.0.0.1")
    assert world.table.admit("10.0.0.2")
    world.now = 10.0
    assert world.table.admit("10.0.0.1")


def test_all_workers_of_one_address_may_come_as_fast_as_their_reports_are_taken():
    world = World(FEW)
    for n in range(50):
        assert world.table.admit("10.0.0.1")
        world.enter(f"c{n}")
        assert world.table.taken(f"c{n}", replace(POD, uid=f"pod-{n}"))


def test_whoever_is_refused_without_blame_costs_his_address_nothing_but_leaves():
    world = World(FEW)
    for n in range(50):
        assert world.table.admit("10.0.0.1")
        world.enter(f"c{n}")
        assert not world.table.refused(f"c{n}", blameless=True)


@pytest.mark.hostile
def test_one_that_is_to_blame_leaves_and_counts_also_if_it_was_kept():
    world = World(FEW)
    for n in range(3):
        world.enter(f"c{n}")
        assert world.table.taken(f"c{n}", replace(POD, uid=f"pod-{n}"))
    assert world.table.admit("10.0.0.1")
    for n in range(3):
        assert not world.table.refused(f"c{n}", blameless=False)
    assert not world.table.admit("10.0.0.1")


def test_a_kept_one_stays_when_it_is_told_to_wait():
    world = World()
    world.enter("c")
    world.table.taken("c", POD)
    assert world.table.refused("c", blameless=True)


@pytest.mark.hostile
def test_new_connections_of_all_together_are_bounded():
    world = World(Bounds(handshakes=Rate(1.0, burst=2)))
    for n in range(2):
        assert world.table.admit(f"10.0.0.{n}")
        world.enter(f"c{n}", f"10.0.0.{n}")
    assert not world.table.admit("10.0.0.9")


@pytest.mark.hostile
def test_too_long_a_request_ends_its_connection_and_each_answer_begins_anew():
    world = World()
    one = world.enter("c")
    assert one.received(MAX_OCTETS)
    world.table.taken("c", POD)
    assert one.received(MAX_OCTETS)
    assert world.ended() == set()
    assert not one.received(1)
    assert world.ended() == {"c"}
    assert len(world.table.kept) == 0


@pytest.mark.hostile
def test_a_request_in_too_many_pieces_ends_its_connection():
    world = World()
    one = world.enter("c")
    assert [one.received(1) for _ in range(MAX_PIECES)] == [True] * MAX_PIECES
    assert not one.received(1)
    assert world.ended() == {"c"}


@pytest.mark.hostile
def test_whoever_does_not_read_his_answers_is_hung_up_on():
    world = World()
    world.enter("c")
    assert world.table.taken("c", POD)
    world.transports["c"].unread = MAX_UNREAD + 1
    assert not world.table.taken("c", POD)
    assert world.ended() == {"c"}


@pytest.mark.hostile
def test_the_slow_end_and_the_kept_have_their_silence(monkeypatch: pytest.MonkeyPatch):
    world = World()
    for name in ("silent", "worker"):
        world.enter(name)
    world.now = 1.0
    world.table.taken("worker", POD)
    assert world.sweep(monkeypatch, STRANGER_SECONDS - 0.1) == set()
    assert world.sweep(monkeypatch, STRANGER_SECONDS) == {"silent"}
    assert world.sweep(monkeypatch, KEPT_SECONDS + 0.9) == {"silent"}
    assert world.sweep(monkeypatch, KEPT_SECONDS + 1.0) == {"silent", "worker"}


def test_whoever_was_told_to_go_and_stays_is_hung_up_on(monkeypatch: pytest.MonkeyPatch):
    world = World()
    world.enter("c")
    world.table.refused("c", blameless=False)
    assert world.sweep(monkeypatch, 2.9) == set()
    assert world.sweep(monkeypatch, 3.0) == {"c"}


@pytest.mark.hostile
def test_of_too_many_strangers_the_first_goes_once_it_had_its_moment():
    world = World(Bounds(strangers=2, moment=0.05))

    async def go() -> None:
        for name in ("first", "second"):
            world.enter(name)
        waiting = asyncio.create_task(world.table.room())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        world.now = 0.05
        await waiting

    asyncio.run(go())
    assert world.ended() == {"first"}


def test_a_stranger_that_leaves_or_is_kept_makes_room_at_once():
    world = World(Bounds(strangers=1, moment=3_600))

    async def go() -> None:
        one = world.enter("first")
        waiting = asyncio.create_task(world.table.room())
        await asyncio.sleep(0)
        one.ended()
        await waiting
        world.enter("second")
        waiting = asyncio.create_task(world.table.room())
        await asyncio.sleep(0)
        world.table.taken("second", POD)
        await waiting

    asyncio.run(asyncio.wait_for(go(), 30))
    assert world.ended() == set()


def test_a_pods_second_connection_ends_its_first():
    world = World()
    for name in ("first", "second"):
        world.enter(name)
        assert world.table.taken(name, POD)
    assert world.ended() == {"first"}


def test_one_that_is_ended_before_it_has_begun_never_begins():
    world = World()
    one = world.table.enter("10.0.0.1", "c")
    one.abort()
    transport = FakeTransport()
    one.begun(transport)
    assert transport.aborted


def test_nothing_is_left_of_connections_that_are_gone():
    world = World()
    for n in range(10):
        one = world.enter(f"c{n}")
        if n % 2:
            world.table.taken(f"c{n}", replace(POD, uid=f"pod-{n}"))
        one.ended()
        one.ended()
    assert (world.table.strangers, world.table._of, len(world.table.kept)) == ({}, {}, 0)
