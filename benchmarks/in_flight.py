"""How wide the window of concurrent batches must be: an engine alone, and under our loop.

The engine is a fake: 64 slots, and requests that hold one for a log-normal time, as answers of a
language model do. What is compared is the rows a second of the engine given all requests at once
with those of `async def process_batch` with windows of several widths, in one run.
"""

import argparse
import asyncio
import itertools
import math
import os
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from batchprocess import TorchBatchProcessor, torch_batch_process
from batchprocess.sdk import entry

SLOTS = 64


class FakeEngine:
    """Requests take `mean` seconds on average, whatever the `sigma` of their lengths."""

    def __init__(self, sigma: float, mean: float) -> None:
        self._sigma, self._mu = sigma, math.log(mean) - sigma * sigma / 2
        self._slots = asyncio.Semaphore(SLOTS)

    async def ask(self, row: int) -> int:
        """An answer; the same row takes the same time in every run."""
        seconds = random.Random(row).lognormvariate(self._mu, self._sigma)
        async with self._slots:
            await asyncio.sleep(seconds)
        return 2 * row


class Asker(TorchBatchProcessor):
    """Asks for each row of a batch."""

    sigma, mean = 0.8, 0.1

    def __init__(self, context: Any) -> None:
        """Nothing to build."""
        self.context = context

    async def on_start(self) -> None:
        """Start the engine; the clock begins here, as it does for the engine alone."""
        self.engine = FakeEngine(self.sigma, self.mean)
        _began.append(time.monotonic())

    async def process_batch(self, batch: Any, batch_idx: int) -> None:
        """One request a row."""
        found = await asyncio.gather(*(self.engine.ask(int(row)) for row in batch))
        self.context.save("answers.jsonl", {"answer": found})

    def on_finish(self) -> None:
        """The clock ends."""
        _ended.append(time.monotonic())


_began: list[float] = []
_ended: list[float] = []


async def alone(rows: int, sigma: float, mean: float) -> float:
    """Seconds of the engine for all rows at once."""
    engine, began = FakeEngine(sigma, mean), time.monotonic()
    await asyncio.gather(*(engine.ask(row) for row in range(rows)))
    return time.monotonic() - began


def under_our_loop(rows: int, batch_size: int, window: int | None) -> float:
    """Seconds from the engine's start to the last commit."""
    entry._called = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BATCHPROCESS_OUTPUT"] = folder
        torch_batch_process(
            Asker,
            range(rows),
            batch_size=batch_size,
            checkpoint_interval=max(1, 1_000 // batch_size),
            max_in_flight=window,
            dataloader_kwargs={"num_workers": 1},
        )
    return _ended[-1] - _began[-1]


def main(given: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--mean", type=float, default=0.1, help="seconds of a request")
    parser.add_argument("--rows-in-flight", type=int, nargs="*", default=[64, 128, 256, 512, 1024])
    asked = parser.parse_args(given)
    Asker.mean = asked.mean
    print(f"load {os.getloadavg()[0]:.1f}, {SLOTS} slots, {asked.rows} rows")
    for sigma, batch_size in itertools.product((0.8, 1.2), (1, 8, 64)):
        Asker.sigma = sigma
        best = asyncio.run(alone(asked.rows, sigma, asked.mean))
        windows = [max(1, one // batch_size) for one in asked.rows_in_flight]
        for window in [*windows, None]:
            share = best / under_our_loop(asked.rows, batch_size, window)
            print(
                f"sigma {sigma}, batches of {batch_size:3}, window {window or 'default'!s:>7}: "
                f"{share:.3f} of the engine alone",
                flush=True,
            )


if __name__ == "__main__":
    main()
