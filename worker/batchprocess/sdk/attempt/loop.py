"""The batch loop. One pass of it costs a few microseconds besides the user's code."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from batchprocess.protocol.errors import Stopped
from batchprocess.protocol.rows.dataset_rows import ALL_ROWS, DatasetRows
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.attempt.interfaces import Commits, Device
from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.output.folder_sync import FolderSync
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.standalone_log import warn_of_dropped_result
from batchprocess.sdk.seeding.randomness import Randomness
from batchprocess.sdk.setup.deferred_calls import refuse_deferred
from batchprocess.sdk.user.processor import TorchBatchProcessor


@dataclass
class Loop:
    """Runs one processor over the rest of its shard, and commits at every boundary.

    `interval` in batches; `seconds` bounds the time between commits if it is not None. `skipping`
    gives what stands in for `process_batch` where rows are left out. `rows`: which the run's are.
    `boundaries`: batches that a commit is due before, whatever the interval. Until the first batch
    the loop is `idle`.
    """

    processor: TorchBatchProcessor
    plan: ShardPlan
    pending: PendingOutputs
    committer: Commits
    state: LoopState
    where: Where
    tensorboard: FolderSync
    interval: int
    device: Device
    randomness: Randomness
    after_first_batch: Callable[[], None]
    after_checkpoint: Callable[[], None]
    seconds: float | None = None
    rows: DatasetRows = ALL_ROWS
    skipping: Callable[..., Callable[[Any, int], object]] | None = None
    boundaries: frozenset[int] = frozenset()
    clock: Callable[[], float] = time.monotonic
    idle: bool = True
    committed: int = 0
    _before_batch: int = 0
    _warned: bool = False

    def run(self, feed: Feed, cursor: int) -> None:
        """All batches from `cursor` on; returns with the last commit under way.

        Raises Stopped once everything processed so far is committed, if a stop was requested.
        """
        state, where, device, clock = self.state, self.where, self.device, self.clock
        (next_batch, process), times = self._steps(feed), self.state.times
        saver, where.plan, where.rows = self.pending.saver, self.plan, self.rows
        positions, rows_at = self.plan.positions, self.rows.at
        total, interval, boundaries = self.plan.size(where.shard), self.interval, self.boundaries
        before_batch, base = self.randomness.before_batch, self.plan.first_batch(where.shard)
        self.committed, last, now = cursor, clock(), clock()
        for index in range(cursor, total):
            where.enter("reading a batch", index)
            self._before_batch = self.pending.handed_over()
            batch = next_batch()
            read = clock()
            times.data += read - now
            where.enter("process_batch", index)
            self.pending.rows = rows_at(positions(where.shard, index, index + 1))
            before_batch(base + index)
            device.begin()
            if (returned := process(batch, index)) is not None:
                self._drop(returned)
            device.end()
            times.device, times.saving = device.seconds, saver.waited
            feed.batch_done()
            done, self.idle = index + 1, False
            state.processed = done
            state.moved = now = clock()
            times.work += now - read
            if state.phase != "running":
                # At once, not with the next beat: the second batch may hold the interpreter.
                state.phase = "running"
                self.after_first_batch()
            # From here on, whether or not a commit is due: a failure now is of one under way.
            where.enter("commit", index)
            due = done % interval == 0 or done == total or state.stop or done in boundaries
            if due or (self.seconds is not None and now - last >= self.seconds):
                self._checkpoint(self.committed, done)
                self.committed, last = done, clock()
                now = last
                self._stop_if_asked(done, total)
            else:
                self.committer.check()

    def _steps(self, feed: Feed) -> tuple[Callable[[], Any], Callable[[Any, int], object]]:
        """What gives a batch, and what processes it."""
        if self.skipping is None:
            return feed.next_batch, self.processor.process_batch
        # It may have the feed begin anew, with another method.
        return (lambda: feed.next_batch()), self.skipping(self, feed)  # noqa: PLW0108

    def _drop(self, returned: object) -> None:
        refuse_deferred("process_batch", returned)
        if not self._warned:
            self._warned = True
            warn_of_dropped_result()

    def _stop_if_asked(self, done: int, total: int) -> None:
        if self.state.stop and done < total:
            self._wait()
            raise Stopped(f"stopped at batch {done} of shard {self.where.shard}, committed")

    def stop_in_batch(self) -> NoReturn:
        """Commit what is finished, and raise Stopped: the batch in work is not, and is dropped."""
        if self.committed != self.state.processed:
            self.commit_finished()
        raise Stopped(f"stopped in batch {self.where.batch} of shard {self.where.shard}")

    def finish(self) -> None:
        """`on_finish`, then the seal, which is durable on return."""
        # An error of the GPU that nobody has looked at yet must come before the seal.
        self.device.drain()
        self._wait()
        state, where, shard = self.state, self.where, self.where.shard
        state.enter("finishing")
        where.enter("on_finish", None)
        self.randomness.before_finish(shard)
        self._hook(self.processor.on_finish)
        total = self.plan.size(shard)
        where.enter("commit", None)
        positions = self.plan.positions(shard, total, total)
        contents = self.pending.cut_commit(
            (total, total), positions, state.times.spent(), idle=self.idle
        )
        state.enter("storage")
        self.committer.seal(contents, total, self.tensorboard)
        state.cursor = total
        state.enter("done")

    def _checkpoint(self, first: int, end: int) -> None:
        # At most one commit in flight: a kill repeats no more than the interval being computed
        # and the one being made durable.
        self._wait()
        self.state.enter("hook")
        self.randomness.before_checkpoint(self.plan.first_batch(self.where.shard) + end)
        with self.where.at("on_checkpoint_start"):
            self._hook(self.processor.on_checkpoint_start)
        self._commit(first, end)
        self.after_checkpoint()
        self.state.enter("running")

    def await_commit(self) -> None:
        """Until all that was handed to commits is durable."""
        self._wait()

    def commit_finished(self) -> None:
        """Commit what is finished without a hook; durable on return."""
        self.device.drain()
        self._wait()
        self._commit(self.committed, self.state.processed)
        self._wait()

    def handed_over_in_batch(self) -> bool:
        """Whether user code has handed anything over in the batch in work."""
        return self.pending.handed_over() != self._before_batch

    def _commit(self, first: int, end: int) -> None:
        positions = self.plan.positions(self.where.shard, first, end)
        self.state.rows += positions[1] - positions[0]
        contents = self.pending.cut_commit((first, end), positions, self.state.times.spent())
        self.committer.commit(contents, self.tensorboard)

    def _hook(self, hook: Callable[[], object]) -> None:
        self.pending.rows = None
        began = self.clock()
        if (returned := hook()) is not None:
            refuse_deferred(self.where.stage, returned)
        times = self.state.times
        times.work += self.clock() - began
        times.device, times.saving = self.device.seconds, self.pending.saver.waited

    def _wait(self) -> None:
        phase = self.state.phase
        self.state.enter("storage")
        began = self.clock()
        with self.where.at("commit"):
            self.committer.wait()
        self.state.times.storage += self.clock() - began
        self.state.enter(phase)
