"""A job on one machine: agents as a cluster's pods would be, retries, then the finalizer."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from pydantic import ValidationError

from batchprocess.agent.gpus import share, visible_gpus
from batchprocess.agent.outcome import Tally
from batchprocess.ledger.finalize import finished
from batchprocess.ledger.perform import perform
from batchprocess.protocol.environment import PREFIX, WorkerEnvironment
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.run import Summary
from batchprocess.protocol.termination import ShardEnd, Termination
from batchprocess.storage.factory import open_storage

_TICK_SECONDS = 0.2
_LINE = 4_096
_FINALIZER = -1


@dataclass(frozen=True)
class LocalRun:
    """What to run. `environment` is the template of every agent's; `directory` the working one."""

    job_name: str
    environment: WorkerEnvironment
    command: tuple[str, ...]
    directory: Path
    parallelism: int
    on_batch_error: Literal["retry", "fail"] = "retry"


@dataclass(frozen=True)
class RunProgress:
    """What a view may show: the newest word of every shard that has been heard of."""

    shards: tuple[ShardProgress, ...]
    shards_total: int
    failed: int


@dataclass(frozen=True)
class LocalResult:
    """How the run ended; `shards` as their last agents left them."""

    state: Literal["complete", "stopped", "failed", "taken over"]
    code: int
    message: str
    summary: Summary | None
    shards: tuple[ShardEnd, ...]


class View(Protocol):
    """Shows a run to a person, or writes it as lines."""

    def update(self, progress: RunProgress) -> None:
        """Newer numbers; called several times a second."""

    def note(self, line: str) -> None:
        """A line of a worker's output, or of ours."""

    def close(self) -> None:
        """The run has ended."""


@dataclass
class _Pod:
    """One agent process; `reports` is our end of its progress pipe."""

    index: int
    process: "subprocess.Popen[bytes]"
    reports: int
    log: Path
    rests: dict[int, bytes] = field(default_factory=dict)


def run_local(run: LocalRun, view: View) -> LocalResult:
    """Run every shard, retrying as a Job would, then finalize. Ctrl-C commits and stops."""
    with tempfile.TemporaryDirectory(prefix="batchprocess-run-") as folder:
        runner = _Runner(run, view, Path(folder))
        with _interrupts(runner):
            return runner.run()


class _Runner:
    def __init__(self, run: LocalRun, view: View, folder: Path) -> None:
        self._run, self._view, self._folder = run, view, folder
        environment = run.environment
        todo = environment.shard_list or tuple(range(environment.shards))
        workers = -(-len(todo) // environment.processes_per_worker)
        self._tally = Tally(
            workers=workers,
            retries=environment.max_retries_per_shard,
            fail_on_user_code=run.on_batch_error == "fail",
        )
        self._gpus = visible_gpus(os.environ, Path("/dev")) if environment.gpus else []
        slots = min(run.parallelism, workers)
        fitting = len(self._gpus) // environment.processes_per_worker
        self._slots = list(range(max(1, min(slots, fitting)) if self._gpus else slots))
        self._pods: dict[int, _Pod] = {}
        self._slot_of: dict[int, int] = {}
        self._progress: dict[int, ShardProgress] = {}
        self._ends: dict[int, ShardEnd] = {}
        self._selector = selectors.DefaultSelector()
        self.interrupts = 0
        self._asked = 0

    def run(self) -> LocalResult:
        """Everything; returns when no process of ours is left."""
        while self._pods or (not self._tally.over and not self.interrupts and self._tally.todo):
            self._fill()
            self._listen()
            self._pass_interrupts()
            self._reap()
            self._show()
        if self.interrupts or self._tally.fatal is not None:
            return self._ended()
        failed, allowed = len(self._tally.failed), self._run.environment.max_failed_shards
        if failed and (allowed is None or failed > allowed):
            return self._ended()
        return self._finalize()

    def _fill(self) -> None:
        while self._slots and self._tally.todo and not self._tally.over and not self.interrupts:
            index, slot = self._tally.todo.pop(0), self._slots.pop(0)
            self._slot_of[index] = slot
            self._pods[index] = self._start(index, self._environ(index, slot), [])

    def _environ(self, index: int, slot: int) -> dict[str, str]:
        devices = share(self._gpus, slot, self._run.environment.processes_per_worker)
        gpus = {"CUDA_VISIBLE_DEVICES": devices} if devices else {}
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return {**own, **gpus, PREFIX + "INDEX": str(index)}

    def _start(self, index: int, environ: dict[str, str], flags: Sequence[str]) -> _Pod:
        reader, writer = os.pipe()
        log = self._folder / f"termination-{index}"
        environment = self._run.environment.model_copy(
            update={"index": max(index, 0), "termination_log": str(log), "progress_fd": writer}
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "batchprocess.agent", *flags, "--", *self._run.command],
            env={**environ, **environment.to_env()},
            cwd=self._run.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C is ours to hand on: agents commit on SIGTERM, in their own time.
            start_new_session=True,
            pass_fds=[writer],
        )
        os.close(writer)
        pod = _Pod(index, process, reader, log)
        for descriptor in (reader, self._output(pod)):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, pod)
            pod.rests[descriptor] = b""
        return pod

    @staticmethod
    def _output(pod: _Pod) -> int:
        if pod.process.stdout is None:
            raise RuntimeError("an agent was started without a pipe for its output")
        return pod.process.stdout.fileno()

    def _listen(self, timeout: float = _TICK_SECONDS) -> None:
        for key, _ in self._selector.select(timeout):
            self._read(key.data, key.fd)

    def _read(self, pod: _Pod, descriptor: int) -> bool:
        """Take what one pipe holds now; False at its end, or when it holds nothing."""
        try:
            data = os.read(descriptor, 65_536)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(descriptor)
            del pod.rests[descriptor]
            return False
        *lines, rest = (pod.rests[descriptor] + data).split(b"\n")
        # A line without end must not grow our memory: it is cut, and shown cut.
        pod.rests[descriptor] = rest[:_LINE]
        for line in lines:
            self._take(pod, descriptor, line)
        return True

    def _take(self, pod: _Pod, descriptor: int, line: bytes) -> None:
        if descriptor != pod.reports:
            text = line[:_LINE].decode(errors="replace").rstrip()
            who = "finalizer" if pod.index == _FINALIZER else f"worker {pod.index}"
            self._view.note(f"[{who}] {text}")
            return
        try:
            report = ProgressReport.model_validate_json(line)
        except ValidationError:
            return  # cut in two by a full pipe; the next report says it all again
        for shard in report.shards:
            self._progress[shard.shard] = shard

    def _pass_interrupts(self) -> None:
        if self.interrupts <= self._asked:
            return
        self._asked = self.interrupts
        if self.interrupts == 1:
            self._view.note("stopping: each shard commits its running batch; again to kill")
        for pod in self._pods.values():
            number = signal.SIGTERM if self.interrupts == 1 else signal.SIGKILL
            # An agent that dies takes its children along: their control sockets close.
            pod.process.send_signal(number)

    def _reap(self) -> None:
        for pod in list(self._pods.values()):
            status = pod.process.poll()
            if status is None:
                continue
            self._close(pod)
            del self._pods[pod.index]
            self._slots.append(self._slot_of.pop(pod.index))
            said = _termination(pod.log)
            self._ends |= {end.shard: end for end in said.shards}
            code = status if status >= 0 else 128 - status
            message = said.message or f"worker {pod.index} ended with code {code}"
            if not self.interrupts:
                self._tally.ended(pod.index, code, message)
            if self._tally.fatal is not None:
                self._stop_others()

    def _close(self, pod: _Pod) -> None:
        for descriptor in list(pod.rests):
            while self._read(pod, descriptor):
                pass
            if descriptor in pod.rests:
                self._selector.unregister(descriptor)
        os.close(pod.reports)
        if pod.process.stdout is not None:
            pod.process.stdout.close()

    def _stop_others(self) -> None:
        for pod in self._pods.values():
            pod.process.send_signal(signal.SIGTERM)

    def _show(self) -> None:
        shards = tuple(shard for _, shard in sorted(self._progress.items()))
        total = self._run.environment.shards
        self._view.update(RunProgress(shards, total, len(self._tally.failed)))

    def _ended(self) -> LocalResult:
        ends = tuple(end for _, end in sorted(self._ends.items()))
        if self.interrupts:
            message = "stopped; run it again to go on"
            return LocalResult("stopped", ExitCode.STOPPED, message, None, ends)
        code, message = self._tally.worst()
        state: Literal["taken over", "failed"] = (
            "taken over" if code == ExitCode.FENCED else "failed"
        )
        return LocalResult(state, code, message, None, ends)

    def _finalize(self) -> LocalResult:
        self._show()
        environ = {**self._environ(0, 0), PREFIX + "ROLE": "finalize"}
        pod = self._pods[_FINALIZER] = self._start(_FINALIZER, environ, ["--finalize"])
        while pod.process.poll() is None:
            self._listen()
            self._pass_interrupts()
        self._close(pod)
        code, said = pod.process.returncode, _termination(pod.log)
        ends = tuple(end for _, end in sorted(self._ends.items()))
        if self.interrupts:
            return LocalResult("stopped", ExitCode.STOPPED, "stopped while finalizing", None, ends)
        if code != ExitCode.SEALED:
            status = code if code >= 0 else 128 - code
            return LocalResult("failed", status, said.message or "the finalizer died", None, ends)
        storage = open_storage(self._run.environment.run_uri, self._run.environment.s3)
        summary = perform(finished(), storage)
        return LocalResult("complete", ExitCode.SEALED, said.message, summary, ends)


def _termination(path: Path) -> Termination:
    try:
        return Termination.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        # Killed before its first word, or in the middle of one.
        return Termination()


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
