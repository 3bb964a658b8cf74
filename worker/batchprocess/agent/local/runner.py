"""A job on one machine: agents as a cluster's pods would be, retries, then the finalizer."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from batchprocess.agent.local.agents import FINALIZER, Pod, Pods
from batchprocess.agent.local.gpus import share, visible_gpus
from batchprocess.agent.local.retries import Tally
from batchprocess.agent.local.scratch_folder import Scratch, scratch
from batchprocess.agent.pod.verdict import UNREACHED
from batchprocess.ledger.finalize import finished
from batchprocess.protocol.environment import PREFIX, WorkerEnvironment
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape, Summary
from batchprocess.protocol.spent import Spent, sum_of
from batchprocess.protocol.termination import ShardEnd, Termination
from batchprocess.runs.local_runs import look
from batchprocess.runs.perform import perform
from batchprocess.storage.factory import open_storage


@dataclass(frozen=True)
class LocalRun:
    """What to run. `environment` is the template of every agent's; `directory` the working one.

    `known`: what the ledgers say at the start; shards sealed there are not started again.
    """

    environment: WorkerEnvironment
    command: tuple[str, ...]
    directory: Path
    parallelism: int
    known: tuple[ShardProgress, ...] = ()
    shape: RunShape | None = None
    on_batch_error: Literal["retry", "fail"] = "retry"


@dataclass(frozen=True)
class RunProgress:
    """What a view may show: the newest word of every shard that has been heard of.

    `run` is known once the dataset was counted. `finalizing`: nothing but the end is left.
    """

    shards: tuple[ShardProgress, ...]
    shards_total: int
    failed: int
    run: RunShape | None = None
    finalizing: bool = False


@dataclass(frozen=True)
class LocalResult:
    """How the run ended; `shards` as their last agents left them, `failed` those given up.

    `spent`: where the time of this command's attempts went.
    """

    state: Literal["complete", "stopped", "failed", "taken over"]
    code: int
    message: str
    summary: Summary | None
    shards: tuple[ShardEnd, ...]
    failed: tuple[int, ...] = ()
    spent: Spent = field(default_factory=Spent)


class View(Protocol):
    """Shows a run to a person, or writes it as lines."""

    def update(self, progress: RunProgress) -> None:
        """Newer numbers; called several times a second."""

    def note(self, line: str) -> None:
        """A line of a worker's output, or of ours."""

    def close(self) -> None:
        """The run has ended."""


def run_local(run: LocalRun, view: View) -> LocalResult:
    """Run every shard, retrying as a Job would, then finalize. Ctrl-C commits and stops."""
    with scratch() as temporary:
        runner = _Runner(run, view, temporary)
        with _interrupts(runner):
            return runner.run()


class _Runner:
    def __init__(self, run: LocalRun, view: View, temporary: Scratch) -> None:
        self._run, self._view = run, view
        self._shape = run.shape
        self._progress = {one.shard: one for one in run.known}
        self._ends = {one.shard: _end(one) for one in run.known}
        self._environment = run.environment.model_copy(update={"shard_list": self._open_shards()})
        self._tally = Tally(
            workers=self._environment.workers,
            retries=run.environment.max_retries_per_shard,
            fail_on_user_code=run.on_batch_error == "fail",
        )
        self._storage = open_storage(run.environment.run_uri, run.environment.s3)
        self._gpus = visible_gpus(os.environ, Path("/dev")) if run.environment.gpus else []
        self._slots = list(range(self._count_slots()))
        self._pods = Pods(run.command, run.directory, temporary, view.note, self._report)
        self._live: dict[int, Pod] = {}
        self._slot_of: dict[int, int] = {}
        self.interrupts = 0
        self._asked = 0

    def _open_shards(self) -> tuple[int, ...] | None:
        sealed = {one.shard for one in self._run.known if one.sealed}
        shards = range(self._run.environment.shards)
        return tuple(n for n in shards if n not in sealed) if sealed else None

    def _failed_shards(self) -> tuple[int, ...]:
        """Shards of failed workers that are not sealed all the same."""
        failed = [n for i in self._tally.failed for n in self._environment.shards_of_worker(i)]
        return tuple(n for n in failed if not (n in self._ends and self._ends[n].sealed))

    def _count_slots(self) -> int:
        wanted = min(self._run.parallelism, self._environment.workers)
        if not self._gpus:
            return wanted
        return max(1, min(wanted, len(self._gpus) // self._environment.processes_per_worker))

    def run(self) -> LocalResult:
        """Everything; returns when no process of ours is left."""
        while self._live or (not self._tally.over and not self.interrupts and self._tally.todo):
            self._fill()
            self._pods.listen()
            self._pass_interrupts()
            self._reap()
            self._show()
        if self.interrupts or self._tally.fatal is not None:
            return self._ended()
        failed, allowed = len(self._failed_shards()), self._environment.max_failed_shards
        if failed and (allowed is None or failed > allowed):
            return self._ended()
        return self._finalize()

    def _fill(self) -> None:
        while self._slots and self._tally.todo and not self._tally.over and not self.interrupts:
            index, slot = self._tally.todo.pop(0), self._slots.pop(0)
            self._slot_of[index] = slot
            environ = self._environ(index, slot)
            self._live[index] = self._pods.start(index, self._environment, environ)

    def _environ(self, index: int, slot: int) -> dict[str, str]:
        devices = share(self._gpus, slot, self._environment.processes_per_worker)
        gpus = {"CUDA_VISIBLE_DEVICES": devices} if devices else {}
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return {**own, **gpus, PREFIX + "INDEX": str(index)}

    def _report(self, report: ProgressReport) -> None:
        self._shape = report.run or self._shape
        for shard in report.shards:
            known = self._progress.get(shard.shard)
            # Before its claim an attempt knows less than the one before it.
            if known is None or shard.seq >= known.seq:
                self._progress[shard.shard] = shard

    def _pass_interrupts(self) -> None:
        if self.interrupts <= self._asked:
            return
        self._asked = self.interrupts
        if self.interrupts == 1:
            self._view.note("stopping: each shard commits its running batch; again to kill")
        for pod in self._live.values():
            number = signal.SIGTERM if self.interrupts == 1 else signal.SIGKILL
            # An agent that dies takes its children along: their control sockets close.
            pod.process.send_signal(number)

    def _reap(self) -> None:
        for pod in list(self._live.values()):
            status = pod.process.poll()
            if status is None:
                continue
            self._pods.close(pod)
            del self._live[pod.index]
            self._slots.append(self._slot_of.pop(pod.index))
            said = pod.termination()
            self._ends |= {end.shard: end for end in said.shards}
            code = status if status >= 0 else 128 - status
            if not self.interrupts:
                self._judge(pod, code, said)
            if self._tally.fatal is not None:
                self._stop_others()

    def _judge(self, pod: Pod, code: int, said: Termination) -> None:
        message = said.message or f"{pod.name}: {pod.end()}"
        if message.endswith(UNREACHED):
            message += f": {pod.last_words(said.message) or 'it said nothing'}"
        claimed = any(end.seq > 0 for end in said.shards)
        self._tally.ended(pod.index, code, message, claimed=claimed)
        again = self._tally.again(pod.index)
        if again is not None and code != ExitCode.SEALED:
            # Who could still speak has told the reason in its last line.
            why = "" if said.message else f": {pod.end()}"
            self._view.note(f"{pod.name}: trying again ({again}){why}")

    def _stop_others(self) -> None:
        for pod in self._live.values():
            pod.process.send_signal(signal.SIGTERM)

    def _show(self, *, finalizing: bool = False) -> None:
        shards = tuple(shard for _, shard in sorted(self._progress.items()))
        total = self._environment.shards
        failed = len(self._failed_shards())
        self._view.update(RunProgress(shards, total, failed, self._shape, finalizing))

    def _ended(self) -> LocalResult:
        if self.interrupts:
            return self._result("stopped", ExitCode.STOPPED, "run it again to go on")
        code, message = self._tally.worst()
        if code == ExitCode.FENCED or (code == ExitCode.CANNOT_WORK and self._is_taken_over()):
            return self._result("taken over", ExitCode.FENCED, message)
        return self._result("failed", code, message)

    def _is_taken_over(self) -> bool:
        """Whether a younger job works on this run: on a cluster that fails a Job for good."""
        mine = self._environment.job
        heads = look(self._storage, self._environment.shards).heads
        return any(head is not None and head.record.job > mine for head in heads)

    def _finalize(self) -> LocalResult:
        self._show(finalizing=True)
        environ = {**self._environ(0, 0), PREFIX + "ROLE": "finalize"}
        pod = self._live[FINALIZER] = self._pods.start(
            FINALIZER, self._run.environment, environ, ["--finalize"]
        )
        while pod.process.poll() is None:
            self._pods.listen()
            self._pass_interrupts()
        self._pods.close(pod)
        code, said = pod.process.returncode, pod.termination()
        if self.interrupts:
            return self._result("stopped", ExitCode.STOPPED, "stopped while finalizing")
        if code != ExitCode.SEALED:
            status = code if code >= 0 else 128 - code
            return self._result("failed", status, said.message or "the finalizer died")
        summary = perform(finished(), self._storage)
        return self._result("complete", ExitCode.SEALED, said.message, summary)

    def _result(
        self,
        state: Literal["complete", "stopped", "failed", "taken over"],
        code: int,
        message: str,
        summary: Summary | None = None,
    ) -> LocalResult:
        ends = tuple(end for _, end in sorted(self._ends.items()))
        spent = sum_of(one.spent for one in self._progress.values() if one.spent is not None)
        return LocalResult(state, code, message, summary, ends, self._failed_shards(), spent)


def _end(one: ShardProgress) -> ShardEnd:
    return ShardEnd(
        shard=one.shard, cursor=one.cursor, total=one.total, sealed=one.sealed, seq=one.seq
    )


@contextlib.contextmanager
def _interrupts(runner: _Runner) -> Iterator[None]:
    def count(_number: int, _frame: object) -> None:
        runner.interrupts += 1

    before = {number: signal.signal(number, count) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
