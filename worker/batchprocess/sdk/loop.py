"""The batch loop. One pass of it costs a few microseconds besides the user's code."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from batchprocess.protocol.errors import Stopped
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.committer import Committer, Folder
from batchprocess.sdk.failures import Where
from batchprocess.sdk.kept import Kept
from batchprocess.sdk.link import LoopState
from batchprocess.sdk.processor import TorchBatchProcessor


@dataclass
class Loop:
    """Runs one processor over the rest of its shard, and commits at every boundary.

    `interval` in batches; `seconds` bounds the time between commits if it is not None. `began` is
    called after the first batch; until then the loop is `idle`.
    """

    processor: TorchBatchProcessor
    plan: ShardPlan
    kept: Kept
    committer: Committer
    state: LoopState
    where: Where
    tensorboard: Folder
    interval: int
    began: Callable[[], None]
    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    idle: bool = True

    def run(self, batches: Iterable[Any], cursor: int) -> None:
        """All batches from `cursor` on; returns with the last commit under way.

        Raises Stopped once everything processed so far is committed, if a stop was requested.
        """
        state, where, process = self.state, self.where, self.processor.process_batch
        where.plan = self.plan
        total, interval = self.plan.size(self.where.shard), self.interval
        # Loader processes start here, and the dataset is pickled for them if it has to be.
        where.stage = "reading a batch"
        source = iter(batches)
        committed, last = cursor, self.clock()
        for index in range(cursor, total):
            where.stage, where.batch = "reading a batch", index
            batch = next(source)
            where.stage = "process_batch"
            process(batch, index)
            done, self.idle = index + 1, False
            state.processed = done
            state.moved = now = self.clock()
            if state.phase != "running":
                # At once, not with the next beat: the second batch may hold the interpreter.
                state.phase = "running"
                self.began()
            due = done % interval == 0 or done == total or state.stop
            if due or (self.seconds is not None and now - last >= self.seconds):
                self._checkpoint(committed, done)
                committed, last = done, self.clock()
                if state.stop and done < total:
                    self._wait()
                    raise Stopped(f"stopped at batch {done} of shard {where.shard}, committed")
            else:
                where.stage = "commit"
                self.committer.check()

    def finish(self) -> None:
        """`on_finish`, then the seal, which is durable on return."""
        self._wait()
        state, where, shard = self.state, self.where, self.where.shard
        state.enter("finishing")
        where.stage, where.batch = "on_finish", None
        self.processor.on_finish()
        where.stage = "commit"
        total = self.plan.size(shard)
        rows = self.plan.row_span(shard, total, total)
        boundary = self.kept.take((total, total), rows, idle=self.idle)
        state.enter("storage")
        self.committer.seal(boundary, total, self.tensorboard)
        state.cursor = total
        state.enter("done")

    def _checkpoint(self, first: int, end: int) -> None:
        # At most one commit in flight: a kill repeats no more than the interval being computed
        # and the one being made durable.
        self._wait()
        self.state.enter("hook")
        self.where.stage = "on_checkpoint_start"
        self.processor.on_checkpoint_start()
        self.where.stage = "commit"
        rows = self.plan.row_span(self.where.shard, first, end)
        self.state.rows += rows[1] - rows[0]
        self.committer.commit(self.kept.take((first, end), rows), self.tensorboard)
        self.state.enter("running")

    def _wait(self) -> None:
        self.where.stage = "commit"
        phase = self.state.phase
        self.state.enter("storage")
        self.committer.wait()
        self.state.enter(phase)
