"""What an attempt is made of: its plan, processor, loader, feed and loop. None of it claims."""

import atexit
import os
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from batchprocess.cores import allowed_cores
from batchprocess.data.index.progress import Tell, tell_nobody
from batchprocess.protocol.run import Asked, RunInfo, Seeds
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.download import whole
from batchprocess.runs.local_runs import has_begun
from batchprocess.runs.patience import Patience
from batchprocess.sdk.attempt.concurrent.begun_batches import BegunBatches
from batchprocess.sdk.attempt.concurrent.concurrent_loop import ConcurrentLoop
from batchprocess.sdk.attempt.interfaces import Commits
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.attempt.reading import Reading, run_of_input
from batchprocess.sdk.attempt.resources import AttemptResources
from batchprocess.sdk.attempt.rows.leaving_out import leaving_out
from batchprocess.sdk.attempt.rows.wanted_rows import WantedRows
from batchprocess.sdk.attempt.skipping.skipping import skipping
from batchprocess.sdk.attempt.state import AttemptState
from batchprocess.sdk.input.loader import rows_of
from batchprocess.sdk.input.reader import Reader
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.output.concurrent.concurrent_outputs import ConcurrentOutputs
from batchprocess.sdk.output.folder_sync import FolderSync
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.reduce.reduce_shards import ShardReduction
from batchprocess.sdk.reduce.registered import RegisteredReducer
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.loop_times import Advisor
from batchprocess.sdk.setup.check_call import check_arguments
from batchprocess.sdk.setup.construct_processor import construct_processor
from batchprocess.sdk.setup.foreign_datasets import refuse_foreign
from batchprocess.sdk.setup.placement import Placement
from batchprocess.sdk.setup.row_names import RowNames
from batchprocess.sdk.setup.run_info import describe_run, plan_shards
from batchprocess.sdk.setup.settings import Settings
from batchprocess.sdk.user.processor import TorchBatchProcessor


class AttemptAssembly:
    """Made from what `torch_batch_process` was called with, at its placement."""

    def __init__(
        self,
        processor_class: type[TorchBatchProcessor],
        dataset: Any,
        settings: Settings,
        placement: Placement,
    ) -> None:
        self.processor_class, self._dataset = processor_class, dataset
        self._settings = settings
        self.placement, self.storage = placement, placement.storage
        self.nonce = secrets.token_hex(16)
        self.resources = AttemptResources(processor_class, settings, placement, self.storage)
        self.reading = Reading(dataset, settings.loader, placement.environment)
        self._names = RowNames(dataset, of_many_batches=self.resources.concurrent)
        self.wanted = WantedRows(placement, self.patience)
        self._skips = placement.environment.on_bad_row == "skip"
        # Exit handlers run after the commit thread has ended: it may need the files till then.
        atexit.register(self._remove_if_own, os.getpid())

    @property
    def pending(self) -> PendingOutputs:
        """What user code hands over."""
        return self.resources.pending

    def remove_temporary_files(self) -> None:
        """Remove the temporary files; nothing is left to do at the process's exit."""
        self.resources.remove_temporary_files()
        atexit.unregister(self._remove_if_own)

    def start_processes(self, tell: Tell | None = None) -> None:
        """Start all that may be forked, before any thread of ours: see `Reading`.

        tell: a reader takes its input from the run, and begins that if nobody has; how far that
        is is told. None: it looks for its files by itself.
        """
        if tell is None:
            self.reading.start_processes(None, tell_nobody)
        else:
            self.reading.start_processes(run_of_input(self.placement), tell)

    @property
    def checkpoint_interval(self) -> int:
        """Batches between commits."""
        return self._settings.checkpoint_interval

    def shard_plan(self) -> ShardPlan:
        """How the dataset is cut; InvalidArgument if class or dataset are not what they must be."""
        check_arguments(self.processor_class, self._dataset)
        name, concurrent = self.processor_class.__qualname__, self.resources.concurrent
        self._settings.require_for(name, concurrent=concurrent)
        collated = self._settings.loader.get("collate_fn") is not None
        refuse_foreign(self._dataset, collated=collated)
        self.reading.refuse_known()
        positions = self.wanted.find(rows_of(self._dataset)).positions
        return plan_shards(positions, self._settings, self.placement.environment.shards)

    def checked_plan(self, where: Where) -> ShardPlan:
        """As `shard_plan`, with the loader's options checked.

        After an error `where` knows whether an attempt has begun. ShardSealed if there is nothing
        to plan for.
        """
        try:
            self.reading.refuse_sealed()
            plan = self.shard_plan()
            self.reading.require_started()
        except Exception:
            # Wrong for good only while no attempt has begun: later another node may see it right.
            where.run_exists = has_begun(self.storage)
            raise
        return plan

    def describe_run(self, plan: ShardPlan) -> RunInfo:
        """run.json as this attempt would write it, but for the seeds; eight rows are read twice."""
        asked = Asked.of(self.placement.environment)
        source = self.placement.environment.source_digest
        fingerprint = self.reading.fingerprint()
        listed = self.wanted.about
        mine = describe_run(plan, fingerprint, self.processor_class, asked, source, listed)
        self.wanted.require_same_dataset(mine)
        return mine

    def start(self, plan: ShardPlan, cursor: int, seeds: Seeds | None) -> Start:
        """Of reading our shard."""
        return Start(plan, self.placement.shard, cursor, seeds, rows=self.wanted.rows)

    def new_processor(self, *, rank: int) -> TorchBatchProcessor:
        """The user's processor, with its context; reducers may be wrapped only in here."""
        context = self.resources.context(rank, self._names.row_ids)
        processor = construct_processor(self.processor_class, context)
        self.pending.in_init = False
        return processor

    def reader(self) -> Reader:
        """Of our shard's batches; nothing is read yet."""
        return self.reading.reader(self.resources.prefetch, self._names.know)

    def loop(
        self, processor: TorchBatchProcessor, plan: ShardPlan, commits: Commits, state: AttemptState
    ) -> Loop:
        """Over our shard."""
        common: dict[str, Any] = {
            "processor": processor,
            "plan": plan,
            "pending": self.pending,
            "committer": commits,
            "state": state.loop,
            "where": state.where,
            "tensorboard": FolderSync(
                self.resources.tensorboard,
                f"tensorboard/{self.placement.shard:05d}-{self.nonce[:8]}",
            ),
            "interval": self._settings.checkpoint_interval,
            "device": self.resources.in_flight,
            "randomness": self.resources.randomness,
            "after_first_batch": state.link.send_beat,
            "after_checkpoint": self._after_checkpoint(state),
            "seconds": self._settings.checkpoint_seconds,
            "rows": self.wanted.rows,
        }
        if isinstance(self.pending, ConcurrentOutputs):
            return self._concurrent_loop(self.pending, common)
        inner = partial(skipping, names=self._names) if self._skips else None
        steps = leaving_out(self.wanted.rows, inner) if self.wanted.rows.left_out else inner
        return Loop(**common, skipping=steps)

    def _concurrent_loop(self, outputs: ConcurrentOutputs, common: dict[str, Any]) -> Loop:
        shard, rows = self.placement.shard, self.wanted.rows
        return ConcurrentLoop(
            **common,
            outputs=outputs,
            begun=BegunBatches(common["plan"], shard, rows, self._names, self._skips),
            max_in_flight=self._settings.batches_in_flight,
            reads_beside=bool(self._settings.loader.get("num_workers")),
            grace_seconds=self.placement.environment.grace_seconds,
        )

    def reducing(self) -> ShardReduction:
        """The reducers' part of a run."""
        return ShardReduction(self._reducers, self.storage, self.load, self.patience())

    def load(self, key: str) -> bytes:
        """An object of the run."""
        return whole(self.storage, key, self.patience())

    def patience(self, *, first: bool = False) -> Patience:
        """`first`: before the run is known to exist a refusal is final."""
        seconds = self.placement.environment.storage_deadline_seconds
        return Patience(seconds, refusal_is_final=first)

    def _remove_if_own(self, process: int) -> None:
        # User code may have forked: a forked child's exit must not take our files.
        if os.getpid() == process:
            self.remove_temporary_files()

    def _after_checkpoint(self, state: AttemptState) -> Callable[[], None]:
        loaders = int(self._settings.loader.get("num_workers") or 0)
        advisor = Advisor(state.loop.times, loaders, len(allowed_cores()))

        def after_checkpoint() -> None:
            advisor.advise_once()
            if self.resources.compile_cache is not None:
                self.resources.compile_cache.store_once()

        return after_checkpoint

    def _reducers(self) -> list[RegisteredReducer]:
        if self.pending.in_init:
            self.new_processor(rank=self.placement.shard)
        return self.pending.reducers
