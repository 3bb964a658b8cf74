"""The token bucket, in virtual time."""

import asyncio

from batchprocess_operator.kube.rate_limit import RateLimit
from support.operator.virtual_time import clock, virtually


@virtually
async def test_a_bucket_lets_a_burst_through_and_then_keeps_the_rate():
    limit = RateLimit(10, 5, clock)
    began = clock()
    for _ in range(5):
        await limit.wait()
    assert clock() - began < 0.01
    for _ in range(20):
        await limit.wait()
    assert round(clock() - began, 1) == 2.0


@virtually
async def test_those_who_ask_at_once_get_their_turns_one_after_the_other():
    limit, turns = RateLimit(10, 1, clock), []

    async def ask(number: int) -> None:
        await limit.wait()
        turns.append((number, round(clock(), 1)))

    await asyncio.gather(*(ask(number) for number in range(4)))
    assert turns == [(0, 0.0), (1, 0.1), (2, 0.2), (3, 0.3)]


@virtually
async def test_a_quiet_hour_saves_up_no_more_than_a_burst():
    limit = RateLimit(10, 5, clock)
    await asyncio.sleep(3600)
    began = clock()
    for _ in range(15):
        await limit.wait()
    assert round(clock() - began, 1) == 1.0
