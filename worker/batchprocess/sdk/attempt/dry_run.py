"""What `batchprocess plan` asks of the user's code: counts, and on request the time of a batch."""

import contextlib
import os
import time

from batchprocess.protocol.dry_run import DryRunAnswer, DryRunFailure, DryRunQuestion, Tried
from batchprocess.protocol.errors import Stopped
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.attempt.assembly import AttemptAssembly
from batchprocess.sdk.attempt.concurrent.concurrent_loop import ConcurrentLoop
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


def print_failure(code: ExitCode, sentence: str, *, ours: bool) -> None:
    """If `batchprocess plan` has asked: why there is no answer, as the last line on stdout."""
    if DryRunQuestion.from_env(os.environ) is not None:
        failure = DryRunFailure(failed=sentence, code=code, ours=ours)
        print(f"\n{failure.encode()}", flush=True)  # noqa: T201


def _answer(assembly: AttemptAssembly, where: Where, question: DryRunQuestion) -> DryRunAnswer:
    plan = assembly.shard_plan()
    run = assembly.describe_run(plan)
    since = None if question.run is None else assembly.reading.changed_input(question.run)
    if since is not None:
        run = run.model_copy(update={"fingerprint": since.fingerprint})
    each, tried = _try_batches(assembly, plan, where) if question.try_batch else (None, None)
    return DryRunAnswer(
        rows=plan.rows,
        batches=sum(plan.size(shard) for shard in range(plan.shards)),
        shards=plan.shards,
        batchSize=plan.batch_size,
        secondsPerBatch=each,
        run=run,
        warnings=tuple(misspelt_hooks(assembly.processor_class)),
        input=None if since is None else since.changes,
        # Rows are read for it here, which nothing that is measured may find done already.
        summary=None
        if question.compare_only
        else assembly.reading.input_summary(plan, assembly.wanted.rows),
        tried=tried,
    )


def _try_batches(assembly: AttemptAssembly, plan: ShardPlan, where: Where) -> tuple[float, Tried]:
    """The loop from our shard's first batch on, with a trial in place of the ledger."""
    shard = assembly.placement.shard
    loop_state = LoopState(shard=shard, total=plan.size(shard))
    trial = Trial(loop_state)
    state = AttemptState.unreported(loop_state, where)
    start = assembly.start(plan, 0, assembly.reading.seeds)
    with assembly.reader() as reader:
        reader.start(start)
        began = time.monotonic()
        with where.at("__init__"):
            processor = assembly.new_processor(rank=shard)
        built = time.monotonic() - began
        loop = assembly.loop(processor, plan, trial, state)
        loop.randomness.begin(assembly.reading.run_seeds().loop)
        loop.after_checkpoint = lambda: None  # nothing is kept with the run, which does not exist
        if isinstance(loop, ConcurrentLoop):
            loop.grace_seconds = 0.0  # what is under way at the end is not waited for
        with contextlib.suppress(Stopped):
            loop.run(reader.feed_from(start), 0)
    tried = Tried(
        secondsToBuild=built,
        bytesPerBatch=trial.bytes_per_batch(),
        checkpointInterval=assembly.checkpoint_interval,
    )
    return trial.seconds_per_batch(), tried


class Trial:
    """In place of the ledger: measures the loop, and ends it once it knows enough.

    The first batches load libraries, compile, and wait for loader processes to start: they warm up,
    for a second, or half of a short shard. What the next three seconds bring is measured.
    """

    def __init__(self, state: LoopState) -> None:
        self._state = state
        self._warm: tuple[float, int] | None = None
        self._commits: list[CommitContents] = []

    def seconds_per_batch(self) -> float:
        """Checkpoints included; of a shard's only batch, cold as it was."""
        spent, done = self._so_far()
        began, first = self._warm or (0.0, 0)
        if done == first:
            began, first = 0.0, 0
        return (spent - began) / max(done - first, 1)

    def bytes_per_batch(self) -> float:
        """Of files that would have been committed; waits for the encoder."""
        paths = [path for one in self._commits for path in one.paths().values()]
        batches = sum(end - first for first, end in (one.batches for one in self._commits))
        return sum(path.stat().st_size for path in paths) / max(batches, 1)

    def check(self) -> None:
        """A batch is done."""
        spent, done = self._so_far()
        if self._warm is not None:
            self._state.stop = spent - self._warm[0] >= _MEASURED_SECONDS
        elif spent >= _WARM_UP_SECONDS or 2 * done >= self._state.total:
            self._warm = spent, done

    def _so_far(self) -> tuple[float, int]:
        times = self._state.times
        spent = times.data + times.work + times.storage + times.waiting
        return spent, self._state.processed

    def wait(self) -> None:
        """Nothing is in flight."""

    busy = False

    def commit(self, contents: CommitContents, _tensorboard: FolderSync | None) -> None:
        """A batch is done, and `on_checkpoint_start` was called after it."""
        # Looked at later: to wait for the encoder here would be part of what is measured.
        self._commits.append(contents)
        self.check()

    def seal(
        self, _contents: CommitContents, _batches: int, _tensorboard: FolderSync | None
    ) -> None:
        """Never: a trial does not finish its shard."""
