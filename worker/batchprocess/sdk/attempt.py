"""One attempt on one shard, in this order: count, look, build, claim, loop, seal."""

import atexit
import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from batchprocess import __version__
from batchprocess.ledger.attempt import Claimed, Identity, claim, refuse_finished
from batchprocess.ledger.download import whole
from batchprocess.ledger.finalize import Reduction
from batchprocess.ledger.finish import finish, identity
from batchprocess.ledger.head import find_head
from batchprocess.ledger.metrics import reducer_entries
from batchprocess.ledger.perform import Patience, perform, perform_all
from batchprocess.ledger.probe import probe
from batchprocess.ledger.read import read_shard
from batchprocess.ledger.run import open_run, read_run, require_same
from batchprocess.protocol.control import Claimed as ClaimedMessage
from batchprocess.protocol.control import Reduced
from batchprocess.protocol.errors import ShardSealed
from batchprocess.protocol.records import ReducerEntry
from batchprocess.protocol.run import RunInfo, RunShape
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.alone import say_how_it_ended, say_that_others_go_on, say_where_it_begins
from batchprocess.sdk.committer import Committer, Folder
from batchprocess.sdk.construct import construct, warn
from batchprocess.sdk.context import TorchBatchProcessorContext
from batchprocess.sdk.devices import pick_device
from batchprocess.sdk.failures import Where
from batchprocess.sdk.fingerprint import fingerprint
from batchprocess.sdk.kept import Kept, value_of
from batchprocess.sdk.link import Link, LoopState
from batchprocess.sdk.loader import make_loader, rows_of
from batchprocess.sdk.loop import Loop
from batchprocess.sdk.place import Place
from batchprocess.sdk.processor import TorchBatchProcessor
from batchprocess.sdk.profiler import TraceProfiler
from batchprocess.sdk.reducers import reduce_all
from batchprocess.sdk.settings import Settings
from batchprocess.sdk.staging import Staging
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage


@dataclass(frozen=True)
class Live:
    """What others read while the attempt goes on: the agent, the beat thread, error reports."""

    link: Link
    state: LoopState
    where: Where


class Attempt:
    """What `torch_batch_process` was called with, at its place, and the work itself."""

    def __init__(
        self,
        processor_class: type[TorchBatchProcessor],
        dataset: Any,
        settings: Settings,
        place: Place,
    ) -> None:
        self.processor_class, self._dataset = processor_class, dataset
        self._settings = settings
        self.place = place
        self.nonce = secrets.token_hex(16)
        environment = place.environment
        self.storage: Storage = open_storage(environment.run_uri, environment.s3)
        self._kept = Kept(Staging(place.scratch))
        self._tensorboard = Path(
            tempfile.mkdtemp(prefix="batchprocess-tensorboard-", dir=place.scratch)
        )
        self._committer: Committer | None = None
        # Exit handlers run after the commit thread has ended: it may need the files till then.
        atexit.register(self._close_in, os.getpid())

    def settle(self) -> None:
        """After a failure: wait for the commit under way, which was begun before it and counts."""
        if self._committer is not None:
            self._committer.settle()

    def _close_in(self, process: int) -> None:
        # User code may have forked: a twin's exit must not take our files.
        if os.getpid() == process:
            self.close()

    def close(self) -> None:
        """Remove the temporary files."""
        self._kept.staging.close()
        shutil.rmtree(self._tensorboard, ignore_errors=True)

    def run(self, live: Live) -> None:
        """Everything up to the durable seal, and alone up to _SUCCESS once all shards have theirs.

        Raises ShardSealed if the shard's seal stands already.
        """
        try:
            self._work(live)
        except ShardSealed:
            # An earlier attempt may have died between the last seal and _SUCCESS.
            self._finalize_alone(live.where)
            raise
        self._finalize_alone(live.where)

    def _work(self, live: Live) -> None:
        where = live.where
        shard, job = self.place.shard, self.place.environment
        me = identity(job.job, shard, retry=job.retry)
        where.stage = "the dataset"
        plan = self.count()
        self.loader(plan, 0)
        where.stage = "start"
        stored = perform(read_run(), self.storage, self._patience(first=True))
        where.run_exists = stored is not None
        if stored is not None:
            # A sealed shard must end at once, without model or dataset having been touched.
            head = perform(find_head(shard), self.storage, self._patience())
            refuse_finished(head, me)
        where.stage = "the dataset"
        mine = self.describe(plan)
        if stored is not None:
            where.stage = "start"
            require_same(mine, stored)
        where.stage = "__init__"
        if shard == 0:  # once a run is enough
            warn(self.processor_class)
        processor = self.build(rank=shard)
        where.stage = "start"
        self._open(mine, where)
        flow = claim(me, max_without_progress=job.max_attempts_without_progress)
        claimed = perform(flow, self.storage, self._patience())
        self._loop(processor, plan, claimed, me, live)

    def count(self) -> ShardPlan:
        """How the dataset is cut; TypeError or InvalidArgument if it cannot be counted."""
        rows = rows_of(self._dataset)
        settings = self._settings
        plan = ShardPlan(
            rows, settings.batch_size, self.place.environment.shards, settings.max_batches
        )
        if settings.max_batches is not None and settings.max_batches > plan.first_batch(1):
            warnings.warn(
                f"max_batches={settings.max_batches} is ignored: the longest shard has "
                f"{plan.first_batch(1)} batches",
                stacklevel=2,
            )
            plan = ShardPlan(rows, settings.batch_size, plan.shards)
        return plan

    def build(self, *, rank: int) -> TorchBatchProcessor:
        """The user's processor, with its context; reducers may be wrapped only in here."""
        environment = self.place.environment
        context = TorchBatchProcessorContext(
            rank=rank,
            size=environment.shards,
            device=pick_device(self.place.gpu),
            hparams=environment.hparams,
            kept=self._kept,
            tensorboard=self._tensorboard,
        )
        processor = construct(self.processor_class, context, profile=environment.profile)
        self._kept.in_init = False
        return processor

    def loader(self, plan: ShardPlan, cursor: int) -> DataLoader[Any]:
        """The rest of our shard; reads nothing yet, but raises if torch refuses the options."""
        return make_loader(self._dataset, plan, self.place.shard, cursor, self._settings.loader)

    def reduce(self, where: Where) -> Reduced:
        """Role `finalize`: the reducers' result over all shards. No batch, no hook."""
        where.stage = "__init__"
        where.run_exists = True
        self.build(rank=0)
        where.stage = "reduce"
        flows = [read_shard(shard) for shard in range(self.place.environment.shards)]
        ledgers = perform_all(flows, self.storage, self._patience())
        made = self._reduction(reducer_entries(ledgers), where)
        return Reduced(metrics=dict(made.metrics), error=made.error)

    def _open(self, mine: RunInfo, where: Where) -> None:
        if where.run_exists:
            return
        if self.place.environment.fencing == "required":
            probe(self.storage, lambda: secrets.token_hex(16), self._patience(first=True))
        perform(open_run(mine), self.storage, self._patience(first=True))
        where.run_exists = True

    def _loop(
        self,
        processor: TorchBatchProcessor,
        plan: ShardPlan,
        claimed: Claimed,
        me: Identity,
        live: Live,
    ) -> None:
        link, state, where = live.link, live.state, live.where
        cursor, shard = claimed.position.cursor, self.place.shard
        state.cursor, state.total, state.processed = cursor, plan.size(shard), cursor
        link.send(
            ClaimedMessage(
                shard=shard,
                seq=claimed.position.seq,
                cursor=cursor,
                total=state.total,
                run=RunShape.of(plan),
            )
        )
        if self.place.alone:
            say_where_it_begins(self.storage.uri, shard, cursor, state.total)
        if claimed.last is not None:
            self._kept.resume(claimed.last.reducers, self._load)
        committer = Committer(me, claimed.position, self.storage, self._patience(), link.send)
        self._committer = committer
        loop = Loop(
            processor=processor,
            plan=plan,
            kept=self._kept,
            committer=committer,
            state=state,
            where=where,
            tensorboard=Folder(self._tensorboard, f"tensorboard/{shard:05d}-{self.nonce[:8]}"),
            interval=self._settings.checkpoint_interval,
            began=link.beat,
            seconds=self._settings.checkpoint_seconds,
        )
        if cursor < state.total:
            loop.run(self.loader(plan, cursor), cursor)
        if isinstance(processor.profiler, TraceProfiler):
            processor.profiler.close(self._tensorboard)
        loop.finish()

    def _finalize_alone(self, where: Where) -> None:
        """A script alone reduces with its own processor, once every shard is sealed."""
        if not self.place.alone:
            return
        job = self.place.environment
        flows = [read_shard(shard) for shard in range(job.shards)]
        ledgers = perform_all(flows, self.storage, self._patience())
        if any(ledger.outcome is None for ledger in ledgers):
            say_that_others_go_on(self.storage.uri, self.place.shard)
            return
        summary = finish(
            self.storage,
            job=job.job,
            run_id=job.run_uri.rpartition("/")[2],
            reduce=lambda entries: self._reduction(entries, where),
            patience=self._patience(),
        )
        say_how_it_ended(self.storage.uri, summary)

    def _reduction(self, entries: Mapping[str, Sequence[ReducerEntry]], where: Where) -> Reduction:
        """Outputs count whatever the reducers do, so their errors are told, not raised."""
        try:
            if self._kept.in_init:
                self.build(rank=self.place.shard)
            metrics = reduce_all(
                (one, [value_of(entry, self._load) for entry in entries.get(one.key, ())])
                for one in self._kept.reducers
            )
        except Exception as error:  # noqa: BLE001  any error of user code, told in the summary
            where.stage = "reduce"
            return Reduction({}, where.sentence(error))
        return Reduction(metrics)

    def _load(self, key: str) -> bytes:
        return whole(self.storage, key, self._patience())

    def describe(self, plan: ShardPlan) -> RunInfo:
        """run.json as this attempt would write it; reads eight rows twice."""
        return RunInfo(
            rows=plan.rows,
            batch_size=plan.batch_size,
            batches=plan.batches,
            shards=plan.shards,
            max_batches=plan.max_batches,
            processor=getattr(self.processor_class, "__qualname__", repr(self.processor_class)),
            fingerprint=fingerprint(self._dataset, plan.rows),
            versions={"batchprocess": __version__, "torch": str(torch.__version__)},
        )

    def _patience(self, *, first: bool = False) -> Patience:
        seconds = self.place.environment.storage_deadline_seconds
        return Patience(seconds, refusal_is_final=first)
