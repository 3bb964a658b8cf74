"""One attempt on one shard: count, find the cursor, read ahead, build, claim, loop, seal."""

from contextlib import AbstractContextManager, nullcontext

from batchprocess.ledger.attempt import Claimed
from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.control import Claimed as ClaimedMessage
from batchprocess.protocol.errors import ShardSealed
from batchprocess.protocol.run import RunInfo, RunShape, Seeds
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.attempt.assembly import AttemptAssembly
from batchprocess.sdk.attempt.early_commit import commit_before
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.attempt.shard_ledger import ShardLedger
from batchprocess.sdk.attempt.skipping.another_process import AnotherProcess
from batchprocess.sdk.attempt.state import AttemptState
from batchprocess.sdk.attempt.traced_loop import traced
from batchprocess.sdk.background import BackgroundCall
from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.input.reader import Reader
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.output.agreed_schemas import AgreedSchemas
from batchprocess.sdk.output.committer import Committer
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.standalone_log import log_beginning
from batchprocess.sdk.setup.construct_processor import warn_of_misspelt_hooks
from batchprocess.sdk.setup.source_check import check_source
from batchprocess.sdk.user.processor import TorchBatchProcessor


class Attempt:
    """From the first reading of the run to the durable seal."""

    def __init__(self, assembly: AttemptAssembly) -> None:
        self._assembly, self._placement = assembly, assembly.placement
        self._ledger = ShardLedger(assembly)
        self._committer: Committer | None = None
        self._another = AnotherProcess("")

    def run(self, state: AttemptState) -> None:
        """Everything up to the durable seal, and alone up to _SUCCESS once all shards have theirs.

        Raises ShardSealed if the shard's seal stands already.
        """
        try:
            self._process_shard(state)
        except ShardSealed:
            # An earlier attempt may have died between the last seal and _SUCCESS.
            self._finish_alone(state.where)
            raise
        self._finish_alone(state.where)

    def await_after_failure(self, failed: BaseException) -> None:
        """After a failure: wait for the commit under way, which was begun before it and counts."""
        if self._committer is not None:
            self._committer.await_after_failure(failed)

    def _process_shard(self, state: AttemptState) -> None:
        assembly, ledger, where = self._assembly, self._ledger, state.where
        with where.at("the dataset"):
            plan = where.plan = assembly.checked_plan(where)
        where.rows = assembly.wanted.rows
        stored = ledger.stored_run()
        where.run_exists = stored is not None
        # A sealed shard must end at once, without model or dataset having been touched.
        cursor = 0 if stored is None else ledger.cursor()
        with where.at("the dataset"):
            run_info = assembly.describe_run(plan)
        if stored is not None:
            ledger.require_same_run(run_info, stored)
            ledger.begin_schemas(stored, known=True)
            check_source(self._placement, stored, state.link)
        another = self._another = AnotherProcess.of(ledger.identity.attempt, state.link)
        with assembly.reader() as reader:
            guess = assembly.reading.seeds if stored is None else _seeds_of(stored)
            with where.at("reading a batch"):
                reader.start(another.begins(assembly.start(plan, cursor, guess)))
            if stored is not None:
                assembly.pending.begin(stored)
            processor = self._build_beside_probe(where)
            run = self._open_run(run_info, state) if stored is None else stored
            assembly.resources.randomness.begin(None if run.seeds is None else run.seeds.loop)
            claimed = ledger.claim(another.follows)
            assembly.pending.begin(run, claimed.last)
            allowed = self._placement.environment.bad_rows_allowed(plan.processed_rows)
            allowed.require(claimed.position.bad_rows, f"shard {self._placement.shard} alone")
            start = assembly.start(plan, claimed.position.cursor, _seeds_of(run))
            self._loop(processor, another.begins(start), claimed, state, reader, allowed)

    def _build_beside_probe(self, where: Where) -> TorchBatchProcessor:
        """The model loads while the store is probed."""
        probed = where.run_exists or self._assembly.reading.has_probed
        probing = None if probed else BackgroundCall(self._ledger.probe, "probe")
        with where.at("__init__"):
            if self._placement.shard == 0:  # once a run is enough
                warn_of_misspelt_hooks(self._assembly.processor_class)
            processor = self._assembly.new_processor(rank=self._placement.shard)
        if probing is not None:
            probing.result()
        return processor

    def _open_run(self, run_info: RunInfo, state: AttemptState) -> RunInfo:
        """Write run.json, with seeds as `__init__` has left the generators; the stored one counts.

        Another attempt may have been first: then its seeds are the run's.
        """
        seeds = self._assembly.reading.run_seeds()
        self._assembly.wanted.keep()
        run = self._ledger.open_run(run_info.model_copy(update={"seeds": seeds}))
        state.where.run_exists = True
        self._ledger.begin_schemas(run, known=False)
        check_source(self._placement, run, state.link)
        return run

    def _loop(
        self,
        processor: TorchBatchProcessor,
        start: Start,
        claimed: Claimed,
        state: AttemptState,
        reader: Reader,
        allowed: BadRowLimit,
    ) -> None:
        assembly, pending, position = self._assembly, self._assembly.pending, claimed.position
        plan, cursor = start.plan, start.first
        self._report_claim(plan, claimed, state)
        if cursor:
            pending.drop_from_init()
        if claimed.last is not None:
            pending.resume(claimed.last.reducers, assembly.load)
        self._committer = Committer(
            self._ledger.identity,
            position,
            assembly.storage,
            assembly.patience(),
            state.link.send,
            allowed,
            AgreedSchemas(assembly.resources.schemas, assembly.storage, assembly.patience),
        )
        loop = assembly.loop(processor, plan, self._committer, state)
        self._another.lead(loop)
        try:
            if start.batches:
                with self._traced(loop, reader.feed_from(start), start.batches) as feed:
                    loop.run(feed, cursor)
            loop.finish()
            state.link.send_beat()
        except BaseException as error:
            if not state.link.in_forked_child:
                commit_before(error, loop)
            raise
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
        rows = self._assembly.wanted.rows
        cursor, total = position.cursor, plan.size(shard)
        loop.cursor, loop.total, loop.processed = cursor, total, cursor
        state.link.send(
            ClaimedMessage(
                shard=shard,
                seq=position.seq,
                cursor=cursor,
                total=total,
                run=RunShape.of(plan),
                bad_rows=position.bad_rows,
                first_row=plan.positions(shard, 0, 0)[0] if rows.listed is None else None,
            )
        )
        if self._placement.alone:
            log_beginning(self._assembly.storage.uri, shard, cursor, total)

    def _finish_alone(self, where: Where) -> None:
        if self._placement.alone:
            reducing = self._assembly.reducing()
            reducing.finish_alone(self._placement.environment, self._placement.shard, where)


def _seeds_of(run: RunInfo) -> Seeds | None:
    """For reading items; None in a run that was begun before there were any."""
    return None if run.seeds is None else run.seeds.loader
