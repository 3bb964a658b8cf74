"""Processes of a test cluster: known by id and start time, so that only ours are ever ended.

An id alone is not a name: the kernel gives it to somebody else once we have died. A signal is
sent through a pidfd that was opened before the start time was compared, so it cannot reach a
stranger that took the number in between.
"""

import concurrent.futures
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from testcluster.errors import ClusterError
from testcluster.tools import PROGRAM_PATH, installed


@dataclass(frozen=True)
class Process:
    """A process id with its start time in clock ticks since boot."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Raises ProcessLookupError if no process has the id."""
        return cls(pid, int(_stat(pid)[19]))

    @classmethod
    def read(cls, path: Path) -> "Process":
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        try:
            fields = _stat(self.pid)
        except ProcessLookupError:
            return False
        return int(fields[19]) == self.started and fields[0] not in "ZX"

    def end(self, sign: signal.Signals = signal.SIGTERM, seconds: float = 15.0) -> None:
        """Send the signal, and SIGKILL if it is still there `seconds` later; wait until it is gone.

        Raises ClusterError if it outlives SIGKILL by 15 s.
        """
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            for one, limit in ((sign, seconds), (signal.SIGKILL, 15.0)):
                if not self.alive():
                    return
                signal.pidfd_send_signal(fd, one)
                if select.select([fd], [], [], limit)[0]:
                    return
        finally:
            os.close(fd)
        raise ClusterError(f"process {self.pid} outlives SIGKILL; see /proc/{self.pid}/stack")


def children(pid: int) -> list[int]:
    """Ids of the direct children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_stat(int(entry.name))[1])
            except ProcessLookupError:
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found


def spawn(argv: Sequence[str], log: Path, *, lives_on: bool) -> "subprocess.Popen[bytes]":
    """Start a process that ends with us, however we end, unless it `lives_on`."""
    if lives_on:
        return _popen(list(argv), log)
    tied = [installed("setpriv"), "--pdeathsig", "KILL", "--", *argv]
    # The kernel sends the signal when the *thread* ends that started the process: this one stays.
    return _spawner.submit(_popen, tied, log).result()


_spawner = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="testcluster-spawner")


def _popen(argv: list[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as out:
        return subprocess.Popen(
            argv,
            # Nothing of the caller's environment: a proxy named there would catch our requests.
            env={"PATH": PROGRAM_PATH},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def only_child(parent: "subprocess.Popen[bytes]", seconds: float = 10.0) -> Process | None:
    """The process that `parent` forked, or None if it ended without one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and parent.poll() is None:
        found = children(parent.pid)
        if found:
            return Process.of(found[0])
        time.sleep(0.01)
    return None


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name: state, parent, ..., [19] start time."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(f"no process {pid}") from None
    return text.rpartition(")")[2].split()
