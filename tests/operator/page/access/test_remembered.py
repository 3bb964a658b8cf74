"""Answers that are remembered."""

import asyncio

import pytest

from batchprocess_operator.page.access.remembered import Remembered


class Asked:
    def __init__(self, fails: int = 0) -> None:
        self.times, self.fails, self.go_on = 0, fails, asyncio.Event()

    async def __call__(self) -> int:
        self.times += 1
        await asyncio.sleep(0)
        if self.times <= self.fails:
            raise OSError("away")
        return self.times

    async def slowly(self) -> int:
        self.times += 1
        await self.go_on.wait()
        return self.times


def test_an_answer_holds_for_so_long_from_when_it_was_asked_for():
    now = [0.0]

    async def go() -> list[int]:
        known: Remembered[str, int] = Remembered(lambda: now[0], 45.0, 10)
        asked, found = Asked(), []
        for time in (0.0, 44.9, 45.0, 89.9, 90.0):
            now[0] = time
            found.append(await known.get("a", asked))
        return found

    assert asyncio.run(go()) == [1, 1, 2, 2, 3]


def test_the_latest_answer_is_there_also_when_it_holds_no_more():
    now = [1.0]

    async def go() -> None:
        known: Remembered[str, int] = Remembered(lambda: now[0], 45.0, 10)
        assert known.latest("a") is None
        await known.get("a", Asked())
        now[0] = 100.0
        assert (known.has("a"), known.latest("a")) == (False, (1.0, 1))
        asked = Asked()
        asking = asyncio.create_task(known.get("a", asked.slowly))
        await asyncio.sleep(0)
        assert (known.has("a"), known.latest("a")) == (True, None)
        asking.cancel()

    asyncio.run(go())


def test_of_many_that_want_the_same_one_asks():
    async def go() -> tuple[list[int], int]:
        known: Remembered[str, int] = Remembered(lambda: 0.0, 45.0, 10)
        asked = Asked()
        return await asyncio.gather(*(known.get("a", asked) for _ in range(50))), asked.times

    assert asyncio.run(go()) == ([1] * 50, 1)


def test_who_leaves_does_not_take_the_answer_from_the_others():
    async def go() -> int:
        known: Remembered[str, int] = Remembered(lambda: 0.0, 45.0, 10)
        asked = Asked()
        first = asyncio.create_task(known.get("a", asked.slowly))
        await asyncio.sleep(0)
        second = asyncio.create_task(known.get("a", asked.slowly))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        asked.go_on.set()
        return await second

    assert asyncio.run(go()) == 1


def test_an_error_is_told_and_not_remembered():
    async def go() -> int:
        known: Remembered[str, int] = Remembered(lambda: 0.0, 45.0, 10)
        asked = Asked(fails=1)
        with pytest.raises(OSError, match="away"):
            await known.get("a", asked)
        await asyncio.sleep(0)
        return await known.get("a", asked)

    assert asyncio.run(go()) == 2


@pytest.mark.hostile
def test_no_more_than_so_many_are_remembered():
    async def go() -> int:
        known: Remembered[int, int] = Remembered(lambda: 0.0, 45.0, 10)
        for key in range(1_000):
            await known.get(key, Asked())
        return len(known)

    assert asyncio.run(go()) == 10
