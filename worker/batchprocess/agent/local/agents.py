"""Agent processes on this machine: starting them, and hearing what they say, without blocking."""

import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from batchprocess.agent.local.scratch_folder import Scratch
from batchprocess.protocol.control import SCRATCH
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import ProgressReport
from batchprocess.protocol.termination import Termination

FINALIZER = -1
_TICK_SECONDS = 0.2
_LINE = 4_096


@dataclass
class Pod:
    """One agent process; `reports` is our end of its progress pipe.

    `name` is for people, who know shards by number: a run that goes on counts its workers anew.
    """

    index: int
    name: str
    process: "subprocess.Popen[bytes]"
    reports: int
    log: Path
    rests: dict[int, bytes] = field(default_factory=dict)
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=2))

    def last_words(self, message: str) -> str:
        """The last line of its output that is not its own `message`."""
        return next((line for line in reversed(self.last_lines) if line != message), "")

    def end(self) -> str:
        """How its process ended, for a person, where it could not say so itself."""
        status = self.process.returncode
        if status >= 0:
            return f"it ended with code {status}"
        known = {int(one): one.name for one in signal.Signals}
        return f"its worker was killed by {known.get(-status, f'signal {-status}')}"

    def termination(self) -> Termination:
        """Its last words; empty if it was killed before its first, or in the middle of one."""
        try:
            return Termination.model_validate_json(self.log.read_bytes())
        except (FileNotFoundError, ValidationError):
            return Termination()


@dataclass(frozen=True)
class Pods:
    """Starts agents in `directory` and listens to them all.

    `said` takes lines for a person, `reported` the newest word of an agent. `temporary` has
    termination messages, and whatever agents and children put there.
    """

    command: Sequence[str]
    directory: Path
    temporary: Scratch
    said: Callable[[str], None]
    reported: Callable[[ProgressReport], None]
    selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)

    def start(
        self,
        index: int,
        environment: WorkerEnvironment,
        environ: Mapping[str, str],
        flags: Sequence[str] = (),
    ) -> Pod:
        """Start the agent of worker `index`; `environ` is what its environment is laid over."""
        reader, writer = os.pipe()
        log = self.temporary.folder / f"termination-{index}"
        log.unlink(missing_ok=True)  # the words of the try before are not this one's
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
        pod = Pod(index, _name(index, environment), process, reader, log)
        for descriptor in (reader, _output(process)):
            os.set_blocking(descriptor, False)
            self.selector.register(descriptor, selectors.EVENT_READ, pod)
            pod.rests[descriptor] = b""
        return pod

    def listen(self) -> None:
        """Take what any agent says, for a fifth of a second at most."""
        for key, _ in self.selector.select(_TICK_SECONDS):
            self._read(key.data, key.fd)

    def close(self, pod: Pod) -> None:
        """Take the last words of an agent that has ended, and give its pipes back."""
        for descriptor in list(pod.rests):
            while self._read(pod, descriptor):
                pass
            if descriptor in pod.rests:
                self.selector.unregister(descriptor)
        os.close(pod.reports)
        if pod.process.stdout is not None:
            pod.process.stdout.close()

    def _read(self, pod: Pod, descriptor: int) -> bool:
        """Take what one pipe holds now; False at its end, or when it holds nothing."""
        try:
            data = os.read(descriptor, 65_536)
        except BlockingIOError:
            return False
        if not data:
            self.selector.unregister(descriptor)
            del pod.rests[descriptor]
            return False
        *lines, rest = (pod.rests[descriptor] + data).split(b"\n")
        # A line without end must not grow our memory: it is cut, and shown cut.
        pod.rests[descriptor] = rest[:_LINE]
        for line in lines:
            self._take(pod, descriptor, line)
        return True

    def _take(self, pod: Pod, descriptor: int, line: bytes) -> None:
        if descriptor != pod.reports:
            text = line[:_LINE].decode(errors="replace").rstrip()
            if text:
                pod.last_lines.append(text)
            self.said(f"[{pod.name}] {text}")
            return
        try:
            report = ProgressReport.model_validate_json(line)
        except ValidationError:
            return  # cut in two by a full pipe; the next report says it all again
        self.reported(report)


def _name(index: int, environment: WorkerEnvironment) -> str:
    if index == FINALIZER:
        return "finalizer"
    shards = environment.shards_of_worker(index)
    return f"shard{'s' if len(shards) > 1 else ''} {', '.join(map(str, shards))}"


def _output(process: "subprocess.Popen[bytes]") -> int:
    if process.stdout is None:
        raise RuntimeError("an agent was started without a pipe for its output")
    return process.stdout.fileno()
