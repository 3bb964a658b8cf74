"""What an attempt is made of: its plan, processor, loader, feed and loop. None of it claims."""

import atexit
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader

from batchprocess.protocol.run import Asked, RunInfo
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.download import whole
from batchprocess.runs.local_runs import has_begun
from batchprocess.runs.perform import Patience
from batchprocess.sdk.attempt.loop import Commits, Loop
from batchprocess.sdk.attempt.resources import Equipment
from batchprocess.sdk.input.feed import Feed, Reader, open_feed
from batchprocess.sdk.input.loader import make_loader
from batchprocess.sdk.output.folder_sync import FolderSync
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.reduce.reduce_shards import ShardReduction
from batchprocess.sdk.reduce.reducers import RegisteredReducer
from batchprocess.sdk.report.agent_link import Link, LoopState
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.loop_times import Advisor
from batchprocess.sdk.setup.check_call import check_given
from batchprocess.sdk.setup.construct_processor import construct
from batchprocess.sdk.setup.placement import Place
from batchprocess.sdk.setup.run_info import count, describe
from batchprocess.sdk.setup.settings import Settings
from batchprocess.sdk.user.processor import TorchBatchProcessor


@dataclass(frozen=True)
class Live:
    """What others read while the attempt goes on: the agent, the beat thread, error reports."""

    link: Link
    state: LoopState
    where: Where


class Parts:
    """Made from what `torch_batch_process` was called with, at its place."""

    def __init__(
        self,
        processor_class: type[TorchBatchProcessor],
        dataset: Any,
        settings: Settings,
        place: Place,
    ) -> None:
        self.processor_class, self._dataset = processor_class, dataset
        self._settings = settings
        self.place, self.storage = place, place.storage
        self.nonce = secrets.token_hex(16)
        self.equipment = Equipment(processor_class, settings, place, self.storage)
        # Exit handlers run after the commit thread has ended: it may need the files till then.
        atexit.register(self._close_in, os.getpid())

    @property
    def pending(self) -> PendingOutputs:
        """What user code hands over."""
        return self.equipment.pending

    def close(self) -> None:
        """Remove the temporary files."""
        self.equipment.close()

    def count(self) -> ShardPlan:
        """How the dataset is cut; InvalidArgument if class or dataset are not what they must be."""
        check_given(self.processor_class, self._dataset)
        return count(self._dataset, self._settings, self.place.environment.shards)

    def counted(self, where: Where) -> ShardPlan:
        """As `count`, with the loader's options looked at. After an error `where` knows whether an

        attempt has begun.
        """
        try:
            plan = self.count()
            self._loader(plan, 0)
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
        processor = construct(self.processor_class, self.equipment.context(rank))
        self.pending.in_init = False
        return processor

    def reader(self, plan: ShardPlan) -> Reader:
        """Of our shard's batches; nothing is read yet."""
        return Reader(lambda cursor: self._feed(plan, cursor))

    def loop(
        self, processor: TorchBatchProcessor, plan: ShardPlan, commits: Commits, live: Live
    ) -> Loop:
        """Over our shard."""
        return Loop(
            processor=processor,
            plan=plan,
            pending=self.pending,
            committer=commits,
            state=live.state,
            where=live.where,
            tensorboard=FolderSync(
                self.equipment.tensorboard,
                f"tensorboard/{self.place.shard:05d}-{self.nonce[:8]}",
            ),
            interval=self._settings.checkpoint_interval,
            device=self.equipment.in_flight,
            began=live.link.beat,
            looked=self._looker(live),
            seconds=self._settings.checkpoint_seconds,
        )

    def reducing(self) -> ShardReduction:
        """The reducers' part of a run."""
        return ShardReduction(self._reducers, self.storage, self.load, self.patience())

    def load(self, key: str) -> bytes:
        """An object of the run."""
        return whole(self.storage, key, self.patience())

    def patience(self, *, first: bool = False) -> Patience:
        """`first`: before the run is known to exist a refusal is final."""
        seconds = self.place.environment.storage_deadline_seconds
        return Patience(seconds, refusal_is_final=first)

    def _close_in(self, process: int) -> None:
        # User code may have forked: a twin's exit must not take our files.
        if os.getpid() == process:
            self.close()

    def _feed(self, plan: ShardPlan, cursor: int) -> Feed:
        return open_feed(self._loader(plan, cursor), self.equipment.prefetch)

    def _loader(self, plan: ShardPlan, cursor: int) -> DataLoader[Any]:
        """The rest of our shard; reads nothing yet, but raises if torch refuses the options."""
        return make_loader(self._dataset, plan, self.place.shard, cursor, self._settings.loader)

    def _looker(self, live: Live) -> Callable[[], None]:
        loaders = int(self._settings.loader.get("num_workers") or 0)
        advisor = Advisor(live.state.times, loaders, len(os.sched_getaffinity(0)))

        def look() -> None:
            advisor.look()
            if self.equipment.compile_cache is not None:
                self.equipment.compile_cache.store_once()

        return look

    def _reducers(self) -> list[RegisteredReducer]:
        if self.pending.in_init:
            self.build(rank=self.place.shard)
        return self.pending.reducers
