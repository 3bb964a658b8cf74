"""The tasks of batches that are under way, and the failure that ends them."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs
from batchprocess.sdk.output.concurrent.current_batch import CURRENT
from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.sdk.report.stages import Stage
from batchprocess.sdk.report.standalone_log import warn_of_dropped_result
from batchprocess.sdk.save.aside.aside_saver import AsideSaver
from batchprocess.sdk.setup.deferred_calls import refuse_deferred
from batchprocess.sdk.user.processor import TorchBatchProcessor

_LOG = logging.getLogger("batchprocess")


class Failure(NamedTuple):
    """What ends the attempt, and the batch that it is told with."""

    batch: int
    error: BaseException
    stage: Stage


@dataclass
class Tasks:
    """`finished` is called with each batch whose coroutine has returned, `retried` with each that
    has raised: whether its rows are tried one by one. `failure`: of the lowest number that has
    failed. `spoilt`: what is handed on is more than the batches in front: it must not be committed.
    """

    processor: TorchBatchProcessor
    saver: AsideSaver
    state: LoopState
    wake: Callable[[], None]
    finished: Callable[[BatchOutputs], None]
    retried: Callable[[BatchOutputs, BaseException], bool] = lambda _outputs, _error: False
    clock: Callable[[], float] = time.monotonic
    failure: Failure | None = None
    spoilt: bool = False
    ended_any: bool = False
    _tasks: dict[int, tuple[asyncio.Task[Any], BatchOutputs]] = field(default_factory=dict)
    _warned: bool = False

    def start(self, batch: Any, outputs: BatchOutputs) -> None:
        """Have it processed."""
        task = self._task(batch, outputs)
        self._tasks[outputs.index] = task, outputs
        task.add_done_callback(lambda done: self._end(done, outputs))

    async def run(self, batch: Any, outputs: BatchOutputs) -> BaseException | None:
        """Have one row processed; what it has raised."""
        task = self._task(batch, outputs)
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            outputs.drop(self.saver)
            task.cancel()
            raise
        return _outcome(task)

    def _task(self, batch: Any, outputs: BatchOutputs) -> asyncio.Task[BaseException | None]:
        context = contextvars.copy_context()
        context.run(CURRENT.set, outputs)
        coroutine: Any = self._process(batch, outputs)
        coroutine.__qualname__ = "process_batch"  # what messages call it
        return asyncio.get_running_loop().create_task(coroutine, context=context)

    def fail(self, failure: Failure) -> None:
        """No batch behind it will count."""
        if self.failure is None or failure.batch < self.failure.batch:
            self.failure = failure
        self.cancel(behind=self.failure.batch)

    def cancel(self, behind: int = -1) -> None:
        """Drop the batches behind this one that are under way, whatever they do about it."""
        for index, (task, outputs) in tuple(self._tasks.items()):
            if index > behind:
                del self._tasks[index]
                outputs.drop(self.saver)
                task.cancel()

    @property
    def any_under_way(self) -> bool:
        """Whether one is that has not been dropped."""
        return bool(self._tasks)

    @property
    def is_of_person(self) -> bool:
        """Whether the failure is a Ctrl-C: nothing is waited for then."""
        return self.failure is not None and isinstance(self.failure.error, KeyboardInterrupt)

    def log_awaited(self, failure: Failure) -> None:
        """Now, for one of those before it may wait for ever for what has failed."""
        if self._tasks and not self.is_of_person:
            what = f"batch {failure.batch} has failed ({type(failure.error).__name__}: "
            what += f"{failure.error!s:.300})"
            _LOG.warning("%s; %d batches before it are waited for", what, len(self._tasks))

    def log_not_committed(self, error: Exception) -> None:
        """Of what was finished before the failure, which is what ends the attempt."""
        _LOG.warning("batches that were finished before it are not committed: %s", error)

    async def _process(self, batch: Any, outputs: BatchOutputs) -> BaseException | None:
        """What it has raised is returned: asyncio would end the loop for a SystemExit."""
        try:
            returned = await self.processor.process_batch(batch, outputs.index)
            if returned is not None:
                self._drop_result(returned)
        except asyncio.CancelledError as error:
            if outputs.ended:  # by us
                raise
            return error
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  it is the failure that ends the attempt
            return error
        return None

    def _drop_result(self, returned: object) -> None:
        refuse_deferred("process_batch", returned)
        if not self._warned:
            self._warned = True
            warn_of_dropped_result()

    def _end(self, task: asyncio.Task[Any], outputs: BatchOutputs) -> None:
        error = _outcome(task)
        if self._tasks.pop(outputs.index, None) is None:
            return  # dropped before
        self.state.moved, self.ended_any = self.clock(), True
        if error is None:
            outputs.end()
            self.finished(outputs)
        else:
            outputs.drop(self.saver)
            if not self.retried(outputs, error):
                self.fail(Failure(outputs.index, error, "process_batch"))
        self.wake()


def _outcome(task: asyncio.Task[Any]) -> BaseException | None:
    if task.cancelled():
        return asyncio.CancelledError()
    error = task.exception()
    found: BaseException | None = task.result() if error is None else error
    return found
