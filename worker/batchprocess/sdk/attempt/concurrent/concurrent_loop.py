"""The loop over batches that are coroutines, of which many are under way at a time.

They end in any order. A commit has the longest row of finished ones, so that a run's records are
those of any run: batches from `first` to `end`, and nothing of those behind.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, NoReturn

from batchprocess.protocol.control import Phase
from batchprocess.protocol.errors import Stopped
from batchprocess.sdk.attempt.concurrent.batch_reader import BatchReader
from batchprocess.sdk.attempt.concurrent.begun_batches import BegunBatches
from batchprocess.sdk.attempt.concurrent.commits_under_way import POLL_SECONDS, CommitsUnderWay
from batchprocess.sdk.attempt.concurrent.event_loop import EventLoop
from batchprocess.sdk.attempt.concurrent.hooks import checkpoint_call, in_context
from batchprocess.sdk.attempt.concurrent.retries import Retries
from batchprocess.sdk.attempt.concurrent.steps import Steps
from batchprocess.sdk.attempt.concurrent.tasks import Failure, Tasks
from batchprocess.sdk.attempt.concurrent.window import Window
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs
from batchprocess.sdk.output.concurrent.concurrent_outputs import ConcurrentOutputs

_LAST_COMMIT_SECONDS = 10.0
_WAIT_SECONDS = 0.2


@dataclass(kw_only=True)
class ConcurrentLoop(Loop):
    """`begun`: makes of what is read what a task gets. `max_in_flight`: batches. `reads_beside`:
    there are loader processes. `grace_seconds`: from a stop to the end of the process, of which the
    last commit gets twice the longest so far, and 10 at least.
    """

    outputs: ConcurrentOutputs
    begun: BegunBatches
    max_in_flight: int
    reads_beside: bool
    grace_seconds: float
    steps: Steps = field(default_factory=Steps)
    _started: bool = False
    _last_commit: float = 0.0

    def __post_init__(self) -> None:
        self._events = EventLoop(self.steps)

    def run(self, feed: Feed, cursor: int) -> None:
        """As `Loop.run`."""
        self.where.plan, self.where.rows = self.plan, self.rows
        self.committed, self._last_commit = cursor, self.clock()
        self.randomness.before_batch(self.plan.first_batch(self.where.shard) + cursor)
        try:
            self._events.run(lambda: self._run(feed, cursor))
        except BaseException as error:
            self._name_place(error)
            self._events.close()
            raise

    def finish(self) -> None:
        """As `Loop.finish`."""
        try:
            if not self._started:  # no batch is left
                end = self.plan.size(self.where.shard)
                self.randomness.before_batch(self.plan.first_batch(self.where.shard) + end)
            self._events.run(self._start)
            self.outputs.direct = True
            super().finish()
        finally:
            self._events.close()

    def handed_over_in_batch(self) -> bool:
        """What can be committed after a failure is: see `_end_with`."""
        return True

    async def _start(self) -> None:
        if self._started:
            return
        self._started, self.outputs.direct = True, False
        with self.where.at("on_start"):
            await in_context("on_start", self.processor.on_start)

    async def _run(self, feed: Feed, cursor: int) -> None:
        await self._start()
        self._woken = asyncio.Event()
        self._commits = CommitsUnderWay(self.committer, self.clock)
        window = self._window = Window(cursor, self.plan.size(self.where.shard), self.max_in_flight)
        self._tasks = Tasks(
            self.processor,
            self.outputs.aside,
            self.state,
            self._woken.set,
            self._finish_batch,
        )
        reader = BatchReader(feed, self._woken.set, beside=self.reads_beside)
        retries = Retries(reader, self._tasks, self.begun, self._finish_batch)
        self._tasks.retried = retries.take
        try:
            while self.committed < window.total:
                self._begin_batches(reader)
                await self._await_change()
                await retries.run(window)
                self._take_finished()
                if self._tasks.failure is not None:
                    self._tasks.log_awaited(self._tasks.failure)
                    await self._drain()
                    await self._end_with(self._tasks.failure)
                if self.state.stop and window.first < window.total:
                    await self._end_with_stop()
                if self._is_due() and not self._commits.under_way:
                    await self._commit_finished()
                    self.after_checkpoint()
        finally:
            self._tasks.cancel()
            reader.close()

    def _begin_batches(self, reader: BatchReader) -> None:
        while self._window.has_room and not self._is_held_up():
            read = reader.next_if_ready()
            if read is None:
                return
            index = self._window.begin()
            if read.error is not None:
                self._tasks.fail(Failure(index, read.error, "reading a batch"))
                return
            batch, outputs = self.begun.begin(read.batch, index)
            if outputs.rows:
                self._tasks.start(batch, outputs)
            else:
                outputs.end()
                self._finish_batch(outputs)
            if not self.reads_beside:
                return  # what is under way goes on before the next is read

    def _finish_batch(self, outputs: BatchOutputs) -> None:
        self.begun.end(outputs)
        self._window.finish(outputs)

    def _is_held_up(self) -> bool:
        """By results that wait to be written, or by a commit that others would have to wait for."""
        if self.state.stop or self.outputs.aside.is_full:
            return True
        return self._commits.under_way and self._is_due()

    async def _await_change(self) -> None:
        """Until something may have changed."""
        window, held_up = self._window, self._is_held_up()
        self._enter("running" if window.under_way or not self._commits.under_way else "storage")
        began, user = self.clock(), self.steps.seconds
        if window.has_room and not held_up and not self.reads_beside:
            await asyncio.sleep(0)  # one step of each, and the next is read
        else:
            polls = held_up or self._commits.under_way
            await self._sleep(POLL_SECONDS if polls else _WAIT_SECONDS)
        times, user = self.state.times, self.steps.seconds - user
        rest = max(0.0, self.clock() - began - user)
        times.work += user
        if held_up and not self.state.stop:
            times.storage += rest
        elif window.has_room and 2 * window.under_way < window.limit:
            times.data += rest
        else:
            times.waiting += rest

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    def _take_finished(self) -> None:
        """Hand on what the finished ones in front have handed over: it is in the next commit."""
        if self._tasks.ended_any and self.state.phase == "starting":
            self.state.enter("running")
            self.after_first_batch()
        for outputs in self._window.take_finished():
            if self._tasks.failure is not None and outputs.index >= self._tasks.failure.batch:
                break
            try:
                outputs.count(self.pending, self.outputs.aside)
            except BaseException as error:  # noqa: BLE001  the failure of this batch
                if self._may_count_later(outputs, error):
                    break
                self._tasks.spoilt = self._tasks.spoilt or outputs.half_counted
                self._tasks.fail(Failure(outputs.index, error, "process_batch"))
                break
            self.idle = False
        self.state.processed = self._window.first
        self._take_changed()
        with self.where.at("commit"):
            self.committer.check()
            self.outputs.aside.check()

    def _take_changed(self) -> None:
        """Of a task that nobody awaits, as an engine's: what it serves would wait for ever."""
        if self.steps.changed is None or self._tasks.failure is not None:
            return
        where, error = self.steps.changed
        batch = max(where.index if isinstance(where, BatchOutputs) else 0, self._window.first)
        self._tasks.fail(Failure(batch, error, "process_batch"))
        self._tasks.cancel(behind=batch - 1)

    def _may_count_later(self, outputs: BatchOutputs, error: BaseException) -> bool:
        """What those before it make too much may be behind a commit, as of any other interval."""
        first, this = self.committed // self.interval, outputs.index // self.interval
        return first < this and isinstance(error, Exception) and not outputs.half_counted

    def _is_due(self) -> bool:
        first, end = self.committed, self._window.first
        if end == first:
            return False
        if end // self.interval > first // self.interval or end == self._window.total:
            return True
        late = self.seconds is not None and self.clock() - self._last_commit >= self.seconds
        return late or self.state.stop

    def _enter(self, phase: Phase) -> None:
        """The clock that a stall is seen by stands while nothing but storage is waited for."""
        if self.state.phase not in {"starting", phase}:
            self.state.enter(phase)

    async def _commit_finished(self) -> None:
        first, end = self.committed, self._window.first
        self._enter("hook")
        self.randomness.before_checkpoint(self.plan.first_batch(self.where.shard) + end)
        with self.where.at("on_checkpoint_start"):
            call = checkpoint_call(self.processor, first, end)
            await in_context("on_checkpoint_start", call)
        self._enter("running")
        self._commits.begin()
        self._commit(first, end)
        self.committed, self._last_commit = end, self.clock()

    async def _make_durable(self) -> None:
        await self._until_committed()
        while self._window.first > self.committed and not self._tasks.spoilt:
            await self._commit_finished()
            await self._until_committed()
            self._take_finished()

    async def _until_committed(self) -> None:
        self._enter("storage")
        await self._commits.until_done()

    async def _end_with(self, failure: Failure) -> NoReturn:
        """Batches before the failed one have ended: commit them. Those behind it are dropped."""
        if not self._tasks.is_of_person:
            try:
                await self._make_durable()
            except Exception as error:  # noqa: BLE001  the batch's is what ends the attempt
                self._tasks.log_not_committed(error)
        self.where.enter(failure.stage, failure.batch)
        raise failure.error

    async def _end_with_stop(self) -> None:
        """Batches under way have until it is time for the last commit; the others are dropped."""
        await self._drain()
        if self._tasks.failure is not None:
            await self._end_with(self._tasks.failure)
        self._tasks.cancel()
        if self._window.first == self._window.total:
            return
        with self.where.at("commit"):
            await self._make_durable()
        done, shard = self._window.first, self.where.shard
        raise Stopped(f"stopped at batch {done} of shard {shard}, committed")

    async def _drain(self) -> None:
        """Until what is under way has ended; once a stop was requested, until its deadline."""
        deadline: float | None = None
        while self._tasks.any_under_way and not self._tasks.is_of_person:
            if deadline is None and self.state.stop:
                last = max(_LAST_COMMIT_SECONDS, 2 * self._commits.longest)
                deadline = self.clock() + max(0.0, self.grace_seconds - last)
            if deadline is not None and self.clock() >= deadline:
                break
            await self._sleep(POLL_SECONDS)
            self._take_finished()
        self._take_finished()

    def _hook(self, hook: Any) -> None:
        """Of `on_finish`, with no batch under way."""
        began = self.clock()
        self._events.run(lambda: in_context("on_finish", hook))
        self.state.times.work += self.clock() - began

    def _name_place(self, error: BaseException) -> None:
        """SystemExit in a task that a batch has started ends the loop at once: say whose it was."""
        escaped = self.steps.escaped_from
        if isinstance(escaped, BatchOutputs) and not isinstance(error, Exception):
            self.where.enter("process_batch", escaped.index)
