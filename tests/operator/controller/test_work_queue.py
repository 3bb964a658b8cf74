"""The work queue, in virtual time."""

import asyncio

import pytest

from batchprocess_operator.controller.work_queue import WorkQueue
from support.operator.virtual_time import clock, virtually


async def within(queue: WorkQueue, seconds: float) -> str | None:
    try:
        return await asyncio.wait_for(queue.next_key(), seconds)
    except TimeoutError:
        return None


@virtually
async def test_a_key_that_is_added_twice_is_handed_out_once():
    queue = WorkQueue(clock)
    queue.add("a")
    queue.add("a")
    assert await within(queue, 1) == "a"
    queue.done("a")
    assert await within(queue, 10) is None


@virtually
async def test_a_key_that_is_added_while_it_is_worked_on_is_handed_out_again_afterwards():
    queue = WorkQueue(clock)
    queue.add("a")
    assert await within(queue, 1) == "a"
    queue.add("a")
    assert await within(queue, 10) is None
    queue.done("a")
    assert await within(queue, 1) == "a"


@virtually
async def test_the_earliest_time_wins():
    queue = WorkQueue(clock)
    queue.add("a", 100)
    queue.add("a", 5)
    queue.add("a", 50)
    began = clock()
    assert await within(queue, 200) == "a"
    assert round(clock() - began) == 5
    queue.done("a")
    assert await within(queue, 300) is None


@virtually
async def test_keys_are_handed_out_when_they_are_due_not_when_they_were_added():
    queue = WorkQueue(clock)
    queue.add("late", 20)
    queue.add("soon", 10)
    queue.add("now")
    assert [await within(queue, 60) for _ in range(3)] == ["now", "soon", "late"]


@pytest.mark.hostile
@virtually
async def test_a_pause_holds_a_key_back_and_no_other():
    queue = WorkQueue(clock)
    queue.add("a")
    await within(queue, 1)
    queue.done("a", pause=30)
    queue.add("a")
    queue.add("b")
    assert await within(queue, 1) == "b"
    began = clock()
    assert await within(queue, 60) == "a"
    assert round(clock() - began) == 30


@pytest.mark.hostile
@virtually
async def test_a_key_added_while_it_was_worked_on_waits_for_the_pause_too():
    queue = WorkQueue(clock)
    queue.add("a")
    await within(queue, 1)
    queue.add("a")
    queue.done("a", pause=30)
    assert await within(queue, 29) is None
    assert await within(queue, 2) == "a"


@virtually
async def test_one_that_waits_is_woken_by_a_key_that_comes():
    queue = WorkQueue(clock)
    taking = asyncio.create_task(queue.next_key())
    await asyncio.sleep(5)
    queue.add("a")
    assert await taking == "a"


@virtually
async def test_many_workers_get_every_key_once():
    queue, got = WorkQueue(clock), []

    async def work() -> None:
        while True:
            key = await queue.next_key()
            got.append(key)
            await asyncio.sleep(1)
            queue.done(key)

    workers = [asyncio.create_task(work()) for _ in range(4)]
    for number in range(100):
        queue.add(str(number))
    await asyncio.sleep(60)
    for worker in workers:
        worker.cancel()
    assert sorted(map(int, got)) == list(range(100))


@virtually
async def test_only_keys_that_nobody_works_on_are_overdue():
    queue = WorkQueue(clock)
    assert queue.overdue() == 0
    queue.add("a")
    queue.add("b", 100)
    await asyncio.sleep(7)
    assert round(queue.overdue()) == 7
    assert await within(queue, 1) == "a"
    assert queue.overdue() == 0


@pytest.mark.hostile
@virtually
async def test_a_key_that_comes_early_again_and_again_leaves_nothing_behind():
    """A finished job with a time to live is due in a month, and looked at every five minutes."""
    queue = WorkQueue(clock)
    for key in map(str, range(20)):
        queue.add(key)
    for _ in range(2_000):
        key = await queue.next_key()
        queue.add(key, 30 * 86_400)
        queue.done(key)
        queue.add(key)
    assert len(queue._heap) < 200


@pytest.mark.hostile
@virtually
async def test_a_pause_outlasts_what_arrives_while_it_lasts():
    queue = WorkQueue(clock)
    queue.add("a")
    await within(queue, 1)
    queue.add("a", 1)
    queue.done("a", pause=30)
    for _ in range(28):
        queue.add("a")
        assert await within(queue, 1) is None
    assert await within(queue, 3) == "a"
