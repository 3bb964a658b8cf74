"""What `batchprocess plan` asks of the user's code: counts, and on request the time of a batch."""

import contextlib

from batchprocess.protocol.dry_run import DryRunAnswer, DryRunQuestion
from batchprocess.protocol.errors import Stopped
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.attempt.assembly import AttemptAssembly
from batchprocess.sdk.attempt.state import AttemptState
from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.output.folder_sync import FolderSync
from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.setup.construct_processor import misspelt_hooks

_WARM_UP_SECONDS, _MEASURED_SECONDS = 1.0, 3.0


def print_plan(assembly: AttemptAssembly, where: Where, question: DryRunQuestion) -> None:
    """The answer to `batchprocess plan`: the last line on stdout."""
    # A line of its own, even if user code has left one unfinished.
    print(f"\n{_answer(assembly, where, question).encode()}")  # noqa: T201


def _answer(assembly: AttemptAssembly, where: Where, question: DryRunQuestion) -> DryRunAnswer:
    plan = assembly.shard_plan()
    run = assembly.describe_run(plan)
    since = None if question.run is None else assembly.changed_input(question.run)
    if since is not None:
        run = run.model_copy(update={"fingerprint": since.fingerprint})
    return DryRunAnswer(
        rows=plan.rows,
        batches=sum(plan.size(shard) for shard in range(plan.shards)),
        shards=plan.shards,
        batchSize=plan.batch_size,
        secondsPerBatch=_try_batches(assembly, plan, where) if question.try_batch else None,
        run=run,
        warnings=tuple(misspelt_hooks(assembly.processor_class)),
        input=None if since is None else since.changes,
    )


def _try_batches(assembly: AttemptAssembly, plan: ShardPlan, where: Where) -> float:
    """The loop from our shard's first batch on, with a trial in place of the ledger."""
    shard = assembly.placement.shard
    loop_state = LoopState(shard=shard, total=plan.size(shard))
    trial = Trial(loop_state)
    state = AttemptState.unreported(loop_state, where)
    start = assembly.start(plan, 0, assembly.loader_seeds)
    with assembly.reader() as reader:
        reader.start(start)
        with where.at("__init__"):
            processor = assembly.new_processor(rank=shard)
        loop = assembly.loop(processor, plan, trial, state)
        loop.randomness.begin(assembly.run_seeds().loop)
        loop.after_checkpoint = lambda: None  # nothing is kept with the run, which does not exist
        with contextlib.suppress(Stopped):
            loop.run(reader.feed_from(start), 0)
    return trial.seconds_per_batch()


class Trial:
    """In place of the ledger: measures the loop, and ends it once it knows enough.

    The first batches load libraries, compile, and wait for loader processes to start: they warm up,
    for a second, or half of a short shard. What the next three seconds bring is measured.
    """

    def __init__(self, state: LoopState) -> None:
        self._state = state
        self._warm: tuple[float, int] | None = None

    def seconds_per_batch(self) -> float:
        """Checkpoints included; of a shard's only batch, cold as it was."""
        spent, done = self._so_far()
        began, first = self._warm or (0.0, 0)
        if done == first:
            began, first = 0.0, 0
        return (spent - began) / max(done - first, 1)

    def check(self) -> None:
        """A batch is done."""
        spent, done = self._so_far()
        if self._warm is not None:
            self._state.stop = spent - self._warm[0] >= _MEASURED_SECONDS
        elif spent >= _WARM_UP_SECONDS or 2 * done >= self._state.total:
            self._warm = spent, done

    def _so_far(self) -> tuple[float, int]:
        times = self._state.times
        return times.data + times.work + times.storage, self._state.processed

    def wait(self) -> None:
        """Nothing is in flight."""

    def commit(self, _contents: CommitContents, _tensorboard: FolderSync | None) -> None:
        """A batch is done, and `on_checkpoint_start` was called after it."""
        self.check()

    def seal(
        self, _contents: CommitContents, _batches: int, _tensorboard: FolderSync | None
    ) -> None:
        """Never: a trial does not finish its shard."""
