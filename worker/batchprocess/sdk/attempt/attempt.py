"""One attempt on one shard, in this order: count, look, read ahead, build, claim, loop, seal."""

import secrets
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

from batchprocess.ledger.attempt import Claimed, Identity, claim, refuse_finished
from batchprocess.ledger.head import find_head
from batchprocess.ledger.job_settings import differ_in_command
from batchprocess.ledger.run import open_run, read_run, require_same
from batchprocess.protocol.control import Claimed as ClaimedMessage
from batchprocess.protocol.errors import ShardSealed
from batchprocess.protocol.run import RunInfo, RunShape
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.finish import identity
from batchprocess.runs.perform import perform
from batchprocess.runs.probe import probe
from batchprocess.sdk.attempt.assembly import Live, Parts
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.attempt.trace import traced
from batchprocess.sdk.background import BackgroundCall
from batchprocess.sdk.input.feed import Feed, Reader
from batchprocess.sdk.output.committer import Committer
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.standalone_log import say_that_commands_differ, say_where_it_begins
from batchprocess.sdk.setup.construct_processor import warn
from batchprocess.sdk.user.processor import TorchBatchProcessor


class Attempt:
    """From the first look at the run to the durable seal, with its parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._place, self._storage = parts, parts.place, parts.storage
        self._committer: Committer | None = None

    def run(self, live: Live) -> None:
        """Everything up to the durable seal, and alone up to _SUCCESS once all shards have theirs.

        Raises ShardSealed if the shard's seal stands already.
        """
        try:
            self._work(live)
        except ShardSealed:
            # An earlier attempt may have died between the last seal and _SUCCESS.
            self._finish_alone(live.where)
            raise
        self._finish_alone(live.where)

    def settle(self, failed: BaseException) -> None:
        """After a failure: wait for the commit under way, which was begun before it and counts."""
        if self._committer is not None:
            self._committer.await_after_failure(failed)

    def _work(self, live: Live) -> None:
        parts, where = self._parts, live.where
        where.stage = "the dataset"
        plan = parts.counted(where)
        where.stage = "start"
        stored = perform(read_run(), self._storage, parts.patience(first=True))
        where.run_exists = stored is not None
        # A sealed shard must end at once, without model or dataset having been touched.
        begin = 0 if stored is None else self._cursor()
        where.stage = "the dataset"
        mine = parts.describe(plan)
        if stored is not None:
            where.stage = "start"
            require_same(mine, stored, self._place.another)
            if differ_in_command(mine.asked, stored.asked):
                say_that_commands_differ(self._place.shard)
        with parts.reader(plan) as reader:
            where.stage = "reading a batch"
            reader.start(begin)
            processor = self._build_beside_probe(mine, where)
            self._loop(processor, plan, self._claim(), live, reader)

    def _cursor(self) -> int:
        """Of the last commit. Raises ShardSealed, and what else ends a shard for good."""
        head = perform(find_head(self._place.shard), self._storage, self._parts.patience())
        refuse_finished(head, self._me)
        return 0 if head is None else head.record.cursor

    def _claim(self) -> Claimed:
        most = self._place.environment.max_attempts_without_progress
        flow = claim(self._me, max_without_progress=most)
        return perform(flow, self._storage, self._parts.patience())

    def _finish_alone(self, where: Where) -> None:
        if self._place.alone:
            reducing = self._parts.reducing()
            reducing.finish_alone(self._place.environment, self._place.shard, where)

    @cached_property
    def _me(self) -> Identity:
        job = self._place.environment
        return identity(job.job, self._place.shard, retry=job.retry)

    def _build_beside_probe(self, mine: RunInfo, where: Where) -> TorchBatchProcessor:
        """The model loads while the store is probed; run.json is written after both."""
        parts, exists, probing = self._parts, where.run_exists, None
        if not exists and self._place.environment.fencing == "required":
            probing = BackgroundCall(self._probe, "probe")
        where.stage = "__init__"
        if self._place.shard == 0:  # once a run is enough
            warn(parts.processor_class)
        processor = parts.build(rank=self._place.shard)
        where.stage = "start"
        if probing is not None:
            probing.result()
        if not exists:
            flow = open_run(mine, self._place.another)
            perform(flow, self._storage, parts.patience(first=True))
            where.run_exists = True
        return processor

    def _probe(self) -> None:
        patience = self._parts.patience(first=True)
        probe(self._storage, lambda: secrets.token_hex(16), patience)

    def _loop(
        self,
        processor: TorchBatchProcessor,
        plan: ShardPlan,
        claimed: Claimed,
        live: Live,
        reader: Reader,
    ) -> None:
        parts, pending = self._parts, self._parts.pending
        cursor, total = claimed.position.cursor, plan.size(self._place.shard)
        self._tell(plan, claimed, live)
        if cursor:
            pending.drop_from_init()
        if claimed.last is not None:
            pending.resume(claimed.last.reducers, parts.load)
        self._committer = Committer(
            self._me, claimed.position, self._storage, parts.patience(), live.link.send
        )
        loop = parts.loop(processor, plan, self._committer, live)
        try:
            if cursor < total:
                with self._traced(loop, reader.feed_from(cursor), total - cursor) as feed:
                    loop.run(feed, cursor)
            loop.finish()
            live.link.beat()
        finally:
            pending.saver.close()
        if parts.equipment.compile_cache is not None:
            parts.equipment.compile_cache.wait_until_stored()

    def _traced(self, loop: Loop, feed: Feed, batches: int) -> AbstractContextManager[Feed]:
        if not self._place.environment.profile:
            return nullcontext(feed)
        return traced(loop, feed, self._parts.equipment.tensorboard, batches)

    def _tell(self, plan: ShardPlan, claimed: Claimed, live: Live) -> None:
        state, shard, position = live.state, self._place.shard, claimed.position
        cursor, total = position.cursor, plan.size(shard)
        state.cursor, state.total, state.processed = cursor, total, cursor
        live.link.send(
            ClaimedMessage(
                shard=shard, seq=position.seq, cursor=cursor, total=total, run=RunShape.of(plan)
            )
        )
        if self._place.alone:
            say_where_it_begins(self._storage.uri, shard, cursor, total)
