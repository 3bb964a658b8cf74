"""Agent processes on this machine: starting them, and reading what they write, without blocking."""

import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from batchprocess.agent.local.agent_process import AgentProcess
from batchprocess.agent.local.traceback_fold import TracebackFold
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import ProgressReport
from batchprocess.protocol.variables import SCRATCH
from batchprocess.runs.scratch_folder import Scratch

FINALIZER = -1
TICK_SECONDS = 0.2
MAX_LINE = 4_096


@dataclass(frozen=True)
class AgentProcesses:
    """Starts agents in `directory` and reads the output and the reports of them all.

    `on_line` takes lines for a person, `on_report` the newest report of an agent. `temporary` has
    termination messages, and whatever agents and children put there.
    """

    command: Sequence[str]
    directory: Path
    temporary: Scratch
    on_line: Callable[[str], None]
    on_report: Callable[[ProgressReport], None]
    selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    fold: TracebackFold = field(default_factory=TracebackFold)

    def start(
        self,
        index: int,
        environment: WorkerEnvironment,
        environ: Mapping[str, str],
        flags: Sequence[str] = (),
    ) -> AgentProcess:
        """Start the agent of worker `index`; `environ` is what its environment is laid over."""
        reader, writer = os.pipe()
        log = self.temporary.folder / f"termination-{index}"
        log.unlink(missing_ok=True)  # the message of the try before is not this one's
        settings = {"index": max(index, 0), "termination_log": str(log), "progress_fd": writer}
        own = environment.model_copy(update=settings)
        process = subprocess.Popen(
            # -P: a user's queue.py or socket.py in the working directory is not for the agent.
            [sys.executable, "-P", "-m", "batchprocess.agent", *flags, "--", *self.command],
            env={**environ, **own.to_env(), SCRATCH: str(self.temporary.folder)},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C is ours to hand on: agents commit on SIGTERM, in their own time.
            start_new_session=True,
            pass_fds=[writer, self.temporary.lock],
        )
        os.close(writer)
        agent = AgentProcess(index, _name(index, environment), process, reader, log)
        self.read_from(agent)
        return agent

    def read_from(self, agent: AgentProcess) -> None:
        """Read what it writes from now on."""
        for descriptor in (agent.reports, _output(agent.process)):
            os.set_blocking(descriptor, False)
            self.selector.register(descriptor, selectors.EVENT_READ, agent)
            agent.unfinished[descriptor] = b""

    def read_output(self) -> None:
        """Pass on what any agent writes, for a fifth of a second at most."""
        for key, _ in self.selector.select(TICK_SECONDS):
            self._read(key.data, key.fd)

    def read_rest(self, agent: AgentProcess) -> None:
        """Pass on what an agent that has ended wrote last, and close its pipes."""
        for descriptor in list(agent.unfinished):
            while self._read(agent, descriptor):
                pass
            for one in self.fold.rest(descriptor):
                self.on_line(f"[{agent.name}] {one}")
            if descriptor in agent.unfinished:
                self._end_of(agent, descriptor)
        os.close(agent.reports)
        if agent.process.stdout is not None:
            agent.process.stdout.close()

    def _read(self, agent: AgentProcess, descriptor: int) -> bool:
        """Pass on what one pipe holds now; False at its end, or when it holds nothing."""
        try:
            data = os.read(descriptor, 65_536)
        except BlockingIOError:
            return False
        if not data:
            self._end_of(agent, descriptor)
            return False
        *lines, rest = (agent.unfinished[descriptor] + data).split(b"\n")
        # A line without end must not grow our memory: it is cut, and shown cut.
        agent.unfinished[descriptor] = overwritten(rest)[:MAX_LINE]
        for line in lines:
            self._pass_on(agent, descriptor, line)
        return True

    def _end_of(self, agent: AgentProcess, descriptor: int) -> None:
        """Nothing more is read of a pipe; a last line may lack its end."""
        self.selector.unregister(descriptor)
        rest = agent.unfinished.pop(descriptor)
        if rest and descriptor != agent.reports:
            self._pass_on(agent, descriptor, rest)

    def _pass_on(self, agent: AgentProcess, descriptor: int, line: bytes) -> None:
        if descriptor != agent.reports:
            text = overwritten(line)[:MAX_LINE].decode(errors="replace").rstrip()
            if text:
                agent.last_lines.append(text)
            for one in self.fold.lines(descriptor, text):
                self.on_line(f"[{agent.name}] {one}")
            return
        try:
            report = ProgressReport.model_validate_json(line)
        except ValidationError:
            return  # cut in two by a full pipe; the next report has it all again
        self.on_report(report)


def overwritten(line: bytes) -> bytes:
    """What a terminal shows of a line in the end: progress bars write it anew behind each `\\r`.

    One at the very end stays, for what comes next is written over the line.
    """
    shown = line.rstrip(b"\r")
    return shown.rpartition(b"\r")[2] + line[len(shown) :][:1]


def _name(index: int, environment: WorkerEnvironment) -> str:
    if index == FINALIZER:
        return "finalizer"
    shards = environment.shards_of_worker(index)
    return f"shard{'s' if len(shards) > 1 else ''} {', '.join(map(str, shards))}"


def _output(process: "subprocess.Popen[bytes]") -> int:
    if process.stdout is None:
        raise RuntimeError("an agent was started without a pipe for its output")
    return process.stdout.fileno()
