"""What a page costs: its time in the operator, its size, and how long the loop waits for it.

`PYTHONPATH=tests python -m benchmarks.page`: the page of a job of 10,000 shards, in two ways, and a
list of 1,000 jobs, each made anew ten times from memory. The API server's answers are remembered,
as they are for 45 s.
"""

import asyncio
import gzip
import os
import time
from statistics import median

from batchprocess_operator.page.http.answers import Answer
from support.operator.page_jobs import add_busy, add_list
from support.operator.page_world import PageWorld

TIMES = 10
PATHS = {
    "a job of 10,000 shards": "/jobs/team/large",
    "the same, the last of its failed shards": "/jobs/team/large?shards=failed&from=5900",
    "a job of 64 shards": "/jobs/team/small",
    "a list of 1,000 jobs": "/?namespace=team",
    "the same, of all namespaces": "/",
}


async def longest_wait(ended: asyncio.Event) -> float:
    """The longest that the loop kept somebody waiting."""
    longest = 0.0
    while not ended.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - began - 0.001)
    return longest


async def asked(world: PageWorld, path: str) -> tuple[float, float, Answer]:
    """Seconds, those of a processor, and answer, while nobody else asks."""
    world.time += 1
    # The thread that makes pages rests after each.
    await asyncio.sleep(0.5)
    began, busy = time.perf_counter(), time.process_time()
    answer = await world.ask(path)
    return time.perf_counter() - began, time.process_time() - busy, answer


async def measure(world: PageWorld, path: str) -> tuple[float, float, float, Answer]:
    """Median seconds, those of a processor, the loop's longest wait in seconds, and the page."""
    await asked(world, path)
    ended, times = asyncio.Event(), []
    waits = asyncio.create_task(longest_wait(ended))
    for _ in range(TIMES):
        seconds, busy, answer = await asked(world, path)
        times.append((seconds, busy))
    ended.set()
    assert answer.status == 200
    seconds, busy = (median(column) for column in zip(*times, strict=True))
    return seconds, busy, await waits, answer


async def main() -> None:
    world = PageWorld()
    add_list(world, 1_000)
    add_busy(world, "large", 10_000)
    add_busy(world, "small", 64)
    for _ in range(400):
        world.history.sample()
        world.passes(10)
    print(f"load {os.getloadavg()[0]:.1f}")
    for name, path in PATHS.items():
        seconds, busy, wait, answer = await measure(world, path)
        small = len(gzip.compress(answer.body, 4))
        print(
            f"{name}: {1_000 * seconds:.0f} ms, {1_000 * busy:.0f} of a processor, "
            f"the loop waits {1_000 * wait:.0f} ms at most, "
            f"{len(answer.body) / 1_000:.0f} kB, packed {small / 1_000:.0f} kB"
        )


if __name__ == "__main__":
    asyncio.run(main())
