"""Batches that have raised where bad rows are left out: their rows are tried, batch after batch."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from batchprocess.sdk.attempt.concurrent.batch_reader import BatchReader
from batchprocess.sdk.attempt.concurrent.begun_batches import BegunBatches
from batchprocess.sdk.attempt.concurrent.rows_one_by_one import RowsOneByOne, may_be_of_row
from batchprocess.sdk.attempt.concurrent.tasks import Failure, Tasks
from batchprocess.sdk.attempt.concurrent.window import Window
from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs

_WAIT_SECONDS = 0.2


@dataclass
class Retries:
    """`finished` is called with what good rows of a batch have handed over, and the bad ones."""

    reader: BatchReader
    tasks: Tasks
    begun: BegunBatches
    finished: Callable[[BatchOutputs], None]
    _raised: deque[tuple[BatchOutputs, Any]] = field(default_factory=deque)

    def take(self, failed: BatchOutputs, error: BaseException) -> bool:
        """Whether the rows of the batch will be tried because of `error`."""
        if not self.begun.skips or not may_be_of_row(error):
            return False
        self._raised.append((failed, error))
        return True

    async def run(self, window: Window) -> None:
        """Try those of all that have raised by now; no other batch is begun meanwhile."""
        while self._raised and self.tasks.failure is None:
            await self._retry(*self._raised.popleft(), window)

    async def _retry(self, failed: BatchOutputs, error: Any, window: Window) -> None:
        """Find the bad rows of a batch. A stop leaves it unfinished."""
        tried = self._tried(failed, error, window.next)
        # Not by the factory: this is no user code.
        task = asyncio.Task(tried, loop=asyncio.get_running_loop())
        while not task.done() and not self.tasks.state.stop and not self.tasks.is_of_person:
            await asyncio.wait([task], timeout=_WAIT_SECONDS)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
            return
        found = task.result()
        if isinstance(found, Failure):
            self.tasks.fail(found)
        else:
            self.finished(found)

    async def _tried(self, failed: BatchOutputs, error: Any, behind: int) -> BatchOutputs | Failure:
        names, saver = self.begun.names, self.tasks.saver
        one_by_one = RowsOneByOne(self.reader, self._process_row, saver, names)
        try:
            return await one_by_one.outputs(failed, error, behind)
        except BaseException as raised:  # noqa: BLE001  the failure of this batch
            return Failure(failed.index, raised, "process_batch")

    async def _process_row(self, batch: Any, outputs: BatchOutputs) -> BaseException | None:
        found = await self.tasks.run(batch, outputs)
        self.tasks.state.moved = self.tasks.clock()  # slower than the batch, and no stall
        return found
