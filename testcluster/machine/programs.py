"""The named programs of one cluster: started until they are ready, stopped, started again."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testcluster.errors import ClusterError
from testcluster.machine.processes import Process, only_child, spawn

READY_SECONDS = 120.0


@dataclass(frozen=True)
class Program:
    """What to start, and how to see that it works.

    If the command `forks` (nsenter and unshare do), the program is the process that it forks.
    """

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    forks: bool = False


class Programs:
    """Programs started in `folder`: `logs/NAME.log`, `pids/NAME`.

    They end with the process that started them, however that ends, unless they `live_on`. Each is
    told of before it starts.
    """

    def __init__(
        self, folder: Path, *, live_on: bool = False, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.folder = folder
        self.tell = tell
        self._live_on = live_on
        self._known: dict[str, Program] = {}
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("logs", "pids"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def run(self, program: Program) -> None:
        """Start a program and wait until it is ready.

        Raises ClusterError with the end of its log if it ends or is not ready in 120 s.
        """
        self.tell(f"starting {program.name}")
        self._known[program.name] = program
        self._bury(program.name)
        started = spawn(program.argv, self.log(program.name), lives_on=self._live_on)
        self._started[program.name] = started
        process = only_child(started) if program.forks else Process.of(started.pid)
        if process is None:
            raise ClusterError(f"{program.name} ended at once:\n{self._tail(program.name)}")
        process.write(self._pid_file(program.name))
        self._wait(program, started)

    def process(self, name: str) -> Process:
        """The process of a program that was started.

        Raises ClusterError if there is none of this name.
        """
        try:
            return Process.read(self._pid_file(name))
        except FileNotFoundError:
            names = ", ".join(sorted(self._known)) or "none"
            raise ClusterError(f"no program {name!r} was started (started: {names})") from None

    def stop(self, name: str, sign: signal.Signals = signal.SIGTERM) -> None:
        """End a program by a signal and wait until it is gone; nothing if it is gone already."""
        self.process(name).end(sign)
        self._bury(name)

    def start(self, name: str) -> None:
        """Start a stopped program again with the command it had, and wait until it is ready."""
        if self.process(name).alive():
            raise ClusterError(f"{name} is running; stop it first, or restart it")
        self.run(self._known[name])

    def restart(self, name: str, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stop and start."""
        self.stop(name, sign)
        self.start(name)

    def kill_all(self) -> None:
        """End everything that was started in the folder, by us or by an earlier process."""
        for path in (self.folder / "pids").iterdir():
            Process.read(path).end(signal.SIGKILL)
            path.unlink()
        for name in list(self._started):
            self._bury(name)

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def _bury(self, name: str) -> None:
        """Take the exit status of an ended child of ours, so that no zombie stays."""
        if name in self._started:
            self._started.pop(name).wait()

    def _pid_file(self, name: str) -> Path:
        return self.folder / "pids" / name

    def _wait(self, program: Program, started: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not program.ready():
            if started.poll() is not None:
                raise ClusterError(f"{program.name} ended at once:\n{self._tail(program.name)}")
            if time.monotonic() > deadline:
                waited = f"{program.name} is not ready after {READY_SECONDS:.0f} s"
                raise ClusterError(f"{waited}:\n{self._tail(program.name)}")
            time.sleep(0.1)

    def _tail(self, name: str) -> str:
        lines: list[str] = []
        with contextlib.suppress(FileNotFoundError):
            lines = self.log(name).read_text(errors="replace").splitlines()
        return "\n".join(lines[-15:])
