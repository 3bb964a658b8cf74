"""One attempt on one shard, in this order: count, look, read ahead, build, claim, loop, seal."""

import atexit
import contextlib
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch.utils.data import DataLoader

from batchprocess.ledger.asked import differ_in_command
from batchprocess.ledger.attempt import Claimed, Identity, claim, refuse_finished
from batchprocess.ledger.download import whole
from batchprocess.ledger.finish import identity
from batchprocess.ledger.head import find_head
from batchprocess.ledger.local_runs import has_begun
from batchprocess.ledger.perform import Patience, perform
from batchprocess.ledger.probe import probe
from batchprocess.ledger.run import open_run, read_run, require_same
from batchprocess.protocol.control import Claimed as ClaimedMessage
from batchprocess.protocol.control import Reduced
from batchprocess.protocol.errors import ShardSealed, Stopped
from batchprocess.protocol.run import Asked, RunInfo, RunShape
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.alone import say_that_commands_differ, say_where_it_begins
from batchprocess.sdk.beside import Beside
from batchprocess.sdk.clock import Advisor
from batchprocess.sdk.committer import Committer, Folder
from batchprocess.sdk.construct import construct, warn
from batchprocess.sdk.dataset import count, describe
from batchprocess.sdk.equipment import Equipment
from batchprocess.sdk.failures import Where
from batchprocess.sdk.feed import Feed, Reader, open_feed
from batchprocess.sdk.given import check_given
from batchprocess.sdk.kept import Kept
from batchprocess.sdk.link import Link, LoopState
from batchprocess.sdk.loader import make_loader
from batchprocess.sdk.loop import Commits, Loop
from batchprocess.sdk.place import Place
from batchprocess.sdk.processor import TorchBatchProcessor
from batchprocess.sdk.reducers import Registered
from batchprocess.sdk.reducing import Reducing
from batchprocess.sdk.settings import Settings
from batchprocess.sdk.trace import traced


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
        self.storage = place.storage
        self._equipment = Equipment(processor_class, settings, place, self.storage)
        self._committer: Committer | None = None
        # Exit handlers run after the commit thread has ended: it may need the files till then.
        atexit.register(self._close_in, os.getpid())

    def settle(self, failed: BaseException) -> None:
        """After a failure: wait for the commit under way, which was begun before it and counts."""
        if self._committer is not None:
            self._committer.settle(failed)

    def _close_in(self, process: int) -> None:
        # User code may have forked: a twin's exit must not take our files.
        if os.getpid() == process:
            self.close()

    def close(self) -> None:
        """Remove the temporary files."""
        self._equipment.close()

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

    def _work(self, live: Live) -> None:
        where = live.where
        shard, job = self.place.shard, self.place.environment
        where.stage = "the dataset"
        plan = self._counted(where)
        where.stage = "start"
        stored = perform(read_run(), self.storage, self._patience(first=True))
        where.run_exists = stored is not None
        begin = 0
        if stored is not None:
            # A sealed shard must end at once, without model or dataset having been touched.
            head = perform(find_head(shard), self.storage, self._patience())
            refuse_finished(head, self._me)
            begin = 0 if head is None else head.record.cursor
        where.stage = "the dataset"
        mine = self.describe(plan)
        if stored is not None:
            where.stage = "start"
            require_same(mine, stored, self.place.another)
            if differ_in_command(mine.asked, stored.asked):
                say_that_commands_differ(shard)
        with Reader(lambda cursor: self._feed(plan, cursor)) as reader:
            where.stage = "reading a batch"
            reader.start(begin)
            processor = self._build_beside_probe(mine, where)
            flow = claim(self._me, max_without_progress=job.max_attempts_without_progress)
            claimed = perform(flow, self.storage, self._patience())
            self._loop(processor, plan, claimed, live, reader)

    def _finish_alone(self, where: Where) -> None:
        if self.place.alone:
            self._reducing().finish_alone(self.place.environment, self.place.shard, where)

    def count(self) -> ShardPlan:
        """How the dataset is cut; InvalidArgument if class or dataset are not what they must be."""
        check_given(self.processor_class, self._dataset)
        return count(self._dataset, self._settings, self.place.environment.shards)

    def _counted(self, where: Where) -> ShardPlan:
        try:
            plan = self.count()
            self.loader(plan, 0)
        except Exception:
            # Wrong for good only while no attempt has begun: later another node may see it right.
            where.run_exists = has_begun(self.storage)
            raise
        return plan

    def describe(self, plan: ShardPlan) -> RunInfo:
        """run.json as this attempt would write it; reads eight rows twice."""
        asked = Asked.of(self.place.environment)
        return describe(self._dataset, plan, self.processor_class, asked)

    def build(self, *, rank: int) -> TorchBatchProcessor:
        """The user's processor, with its context; reducers may be wrapped only in here."""
        processor = construct(self.processor_class, self._equipment.context(rank))
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
        return self._reducing().of_all(self.place.environment.shards, where)

    def rehearse(self, plan: ShardPlan, state: LoopState, commits: Commits) -> None:
        """The loop from our shard's first batch on, with `commits` in place of the ledger.

        Ends with the shard, or once `state.stop` is set.
        """
        shard = state.shard = self.place.shard
        state.total = plan.size(shard)
        live = Live(Link(state, None), state, Where(shard))
        with Reader(lambda cursor: self._feed(plan, cursor)) as reader:
            reader.start(0)
            processor = self.build(rank=shard)
            loop = self._make_loop(processor, plan, commits, live)
            loop.looked = lambda: None  # nothing is kept with the run, which does not exist
            with contextlib.suppress(Stopped):
                loop.run(reader.at(0), 0)

    @property
    def _kept(self) -> Kept:
        return self._equipment.kept

    @cached_property
    def _me(self) -> Identity:
        job = self.place.environment
        return identity(job.job, self.place.shard, retry=job.retry)

    def _feed(self, plan: ShardPlan, cursor: int) -> Feed:
        return open_feed(self.loader(plan, cursor), self._equipment.prefetch)

    def _build_beside_probe(self, mine: RunInfo, where: Where) -> TorchBatchProcessor:
        """The model loads while the store is probed; run.json is written after both."""
        probing = None
        if not where.run_exists and self.place.environment.fencing == "required":
            probing = Beside(self._probe, "probe")
        exists = where.run_exists
        where.stage = "__init__"
        if self.place.shard == 0:  # once a run is enough
            warn(self.processor_class)
        processor = self.build(rank=self.place.shard)
        where.stage = "start"
        if probing is not None:
            probing.result()
        if not exists:
            perform(open_run(mine, self.place.another), self.storage, self._patience(first=True))
            where.run_exists = True
        return processor

    def _probe(self) -> None:
        probe(self.storage, lambda: secrets.token_hex(16), self._patience(first=True))

    def _loop(
        self,
        processor: TorchBatchProcessor,
        plan: ShardPlan,
        claimed: Claimed,
        live: Live,
        reader: Reader,
    ) -> None:
        state, shard = live.state, self.place.shard
        cursor, total = claimed.position.cursor, plan.size(shard)
        state.cursor, state.total, state.processed = cursor, total, cursor
        live.link.send(
            ClaimedMessage(
                shard=shard,
                seq=claimed.position.seq,
                cursor=cursor,
                total=total,
                run=RunShape.of(plan),
            )
        )
        if self.place.alone:
            say_where_it_begins(self.storage.uri, shard, cursor, total)
        if cursor:
            self._kept.drop_from_init()
        if claimed.last is not None:
            self._kept.resume(claimed.last.reducers, self._load)
        self._committer = Committer(
            self._me, claimed.position, self.storage, self._patience(), live.link.send
        )
        loop = self._make_loop(processor, plan, self._committer, live)
        try:
            if cursor < total:
                feed = reader.at(cursor)
                if self.place.environment.profile:
                    feed = traced(loop, feed, self._equipment.tensorboard, total - cursor)
                loop.run(feed, cursor)
            loop.finish()
            live.link.beat()
        finally:
            self._kept.saver.close()
        if self._equipment.artefacts is not None:
            self._equipment.artefacts.close()

    def _make_loop(
        self, processor: TorchBatchProcessor, plan: ShardPlan, commits: Commits, live: Live
    ) -> Loop:
        shard, settings = self.place.shard, self._settings
        loaders = int(settings.loader.get("num_workers") or 0)
        advisor = Advisor(live.state.times, loaders, len(os.sched_getaffinity(0)))
        return Loop(
            processor=processor,
            plan=plan,
            kept=self._kept,
            committer=commits,
            state=live.state,
            where=live.where,
            tensorboard=Folder(
                self._equipment.tensorboard, f"tensorboard/{shard:05d}-{self.nonce[:8]}"
            ),
            interval=settings.checkpoint_interval,
            device=self._equipment.under_way,
            began=live.link.beat,
            looked=lambda: self._look(advisor),
            seconds=settings.checkpoint_seconds,
        )

    def _look(self, advisor: Advisor) -> None:
        advisor.look()
        if self._equipment.artefacts is not None:
            self._equipment.artefacts.keep()

    def _reducing(self) -> Reducing:
        return Reducing(self._reducers, self.storage, self._load, self._patience())

    def _reducers(self) -> list[Registered]:
        if self._kept.in_init:
            self.build(rank=self.place.shard)
        return self._kept.reducers

    def _load(self, key: str) -> bytes:
        return whole(self.storage, key, self._patience())

    def _patience(self, *, first: bool = False) -> Patience:
        seconds = self.place.environment.storage_deadline_seconds
        return Patience(seconds, refusal_is_final=first)
