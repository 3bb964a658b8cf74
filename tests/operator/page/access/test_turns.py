"""Whose turn it is."""

import asyncio

import pytest

from batchprocess_operator.page.access.gate import TooOften
from batchprocess_operator.page.access.turns import AT_ONCE, MAX_PLACES, Turns


class Visits:
    def __init__(self) -> None:
        self.turns, self.go_on, self.inside = Turns(), asyncio.Event(), list[str]()

    async def come(self, party: str) -> None:
        async with self.turns.turn(party):
            self.inside.append(party)
            await self.go_on.wait()


async def a_moment() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.hostile
def test_of_one_party_only_so_many_are_under_way_and_another_does_not_wait():
    async def go() -> None:
        visits = Visits()
        async with asyncio.TaskGroup() as group:
            for party in ["many"] * MAX_PLACES + ["one"]:
                group.create_task(visits.come(party))
            await a_moment()
            assert visits.inside == ["many"] * AT_ONCE + ["one"]
            with pytest.raises(TooOften):
                await visits.come("many")
            visits.go_on.set()
        assert visits.inside.count("many") == MAX_PLACES
        assert len(visits.turns) == 0

    asyncio.run(go())


@pytest.mark.hostile
def test_whoever_leaves_while_waiting_leaves_nothing_behind():
    async def go() -> None:
        visits = Visits()
        tasks = [asyncio.create_task(visits.come("many")) for _ in range(MAX_PLACES)]
        await a_moment()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(visits.turns) == 0

    asyncio.run(go())
