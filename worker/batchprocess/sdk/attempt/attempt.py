"""One attempt on one shard: count, find the cursor, read ahead, build, claim, loop, seal."""

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
from batchprocess.sdk.attempt.assembly import AttemptAssembly, AttemptState
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.attempt.traced_loop import traced
from batchprocess.sdk.background import BackgroundCall
from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.input.reader import Reader
from batchprocess.sdk.output.committer import Committer
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.standalone_log import log_beginning, warn_that_commands_differ
from batchprocess.sdk.setup.construct_processor import warn_of_misspelt_hooks
from batchprocess.sdk.user.processor import TorchBatchProcessor


class Attempt:
    """From the first reading of the run to the durable seal."""

    def __init__(self, assembly: AttemptAssembly) -> None:
        self._assembly, self._placement, self._storage = (
            assembly,
            assembly.placement,
            assembly.storage,
        )
        self._committer: Committer | None = None

    def run(self, state: AttemptState) -> None:
        """Everything up to the durable seal, and alone up to _SUCCESS once all shards have theirs.

        Raises ShardSealed if the shard's seal stands already.
        """
        try:
            self._work(state)
        except ShardSealed:
            # An earlier attempt may have died between the last seal and _SUCCESS.
            self._finish_alone(state.where)
            raise
        self._finish_alone(state.where)

    def await_after_failure(self, failed: BaseException) -> None:
        """After a failure: wait for the commit under way, which was begun before it and counts."""
        if self._committer is not None:
            self._committer.await_after_failure(failed)

    def _work(self, state: AttemptState) -> None:
        assembly, where = self._assembly, state.where
        with where.at("the dataset"):
            plan = assembly.checked_plan(where)
        stored = perform(read_run(), self._storage, assembly.patience(first=True))
        where.run_exists = stored is not None
        # A sealed shard must end at once, without model or dataset having been touched.
        begin = 0 if stored is None else self._cursor()
        with where.at("the dataset"):
            run_info = assembly.describe_run(plan)
        if stored is not None:
            require_same(run_info, stored, self._placement.another)
            if differ_in_command(run_info.asked, stored.asked):
                warn_that_commands_differ(self._placement.shard)
        with assembly.reader(plan) as reader:
            with where.at("reading a batch"):
                reader.start(begin)
            processor = self._build_beside_probe(run_info, where)
            self._loop(processor, plan, self._claim(), state, reader)

    def _cursor(self) -> int:
        """Of the last commit. Raises ShardSealed, and what else ends a shard for good."""
        head = perform(find_head(self._placement.shard), self._storage, self._assembly.patience())
        refuse_finished(head, self._identity)
        return 0 if head is None else head.record.cursor

    def _claim(self) -> Claimed:
        most = self._placement.environment.max_attempts_without_progress
        flow = claim(self._identity, max_without_progress=most)
        return perform(flow, self._storage, self._assembly.patience())

    def _finish_alone(self, where: Where) -> None:
        if self._placement.alone:
            reducing = self._assembly.reducing()
            reducing.finish_alone(self._placement.environment, self._placement.shard, where)

    @cached_property
    def _identity(self) -> Identity:
        job = self._placement.environment
        return identity(job.job, self._placement.shard, retry=job.retry)

    def _build_beside_probe(self, run_info: RunInfo, where: Where) -> TorchBatchProcessor:
        """The model loads while the store is probed; run.json is written after both."""
        assembly, exists, probing = self._assembly, where.run_exists, None
        if not exists and self._placement.environment.fencing == "required":
            probing = BackgroundCall(self._probe, "probe")
        with where.at("__init__"):
            if self._placement.shard == 0:  # once a run is enough
                warn_of_misspelt_hooks(assembly.processor_class)
            processor = assembly.new_processor(rank=self._placement.shard)
        if probing is not None:
            probing.result()
        if not exists:
            flow = open_run(run_info, self._placement.another)
            perform(flow, self._storage, assembly.patience(first=True))
            where.run_exists = True
        return processor

    def _probe(self) -> None:
        patience = self._assembly.patience(first=True)
        probe(self._storage, lambda: secrets.token_hex(16), patience)

    def _loop(
        self,
        processor: TorchBatchProcessor,
        plan: ShardPlan,
        claimed: Claimed,
        state: AttemptState,
        reader: Reader,
    ) -> None:
        assembly, pending = self._assembly, self._assembly.pending
        cursor, total = claimed.position.cursor, plan.size(self._placement.shard)
        self._report_claim(plan, claimed, state)
        if cursor:
            pending.drop_from_init()
        if claimed.last is not None:
            pending.resume(claimed.last.reducers, assembly.load)
        self._committer = Committer(
            self._identity, claimed.position, self._storage, assembly.patience(), state.link.send
        )
        loop = assembly.loop(processor, plan, self._committer, state)
        try:
            if cursor < total:
                with self._traced(loop, reader.feed_from(cursor), total - cursor) as feed:
                    loop.run(feed, cursor)
            loop.finish()
            state.link.beat()
        finally:
            pending.saver.close()
        if assembly.resources.compile_cache is not None:
            assembly.resources.compile_cache.wait_until_stored()

    def _traced(self, loop: Loop, feed: Feed, batches: int) -> AbstractContextManager[Feed]:
        if not self._placement.environment.profile:
            return nullcontext(feed)
        return traced(loop, feed, self._assembly.resources.tensorboard, batches)

    def _report_claim(self, plan: ShardPlan, claimed: Claimed, state: AttemptState) -> None:
        loop, shard, position = state.loop, self._placement.shard, claimed.position
        cursor, total = position.cursor, plan.size(shard)
        loop.cursor, loop.total, loop.processed = cursor, total, cursor
        state.link.send(
            ClaimedMessage(
                shard=shard, seq=position.seq, cursor=cursor, total=total, run=RunShape.of(plan)
            )
        )
        if self._placement.alone:
            log_beginning(self._storage.uri, shard, cursor, total)
