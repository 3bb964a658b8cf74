"""The two roads of progress: the termination message, and reports."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from batchprocess.agent.pod.child_watch import Pod
from batchprocess.agent.reports.mailbox import MailedReporter
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import ProgressReport
from batchprocess.protocol.termination import Termination


class TerminationLog:
    """Rewrites the message in place at every commit: a killed PID 1 can't write it later."""

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path)
        self._last = b""
        self._failed = False

    def write(self, pod: Pod, *, code: int | None = None, message: str = "") -> None:
        """Tell how far every shard is. In place, because the kubelet mounts this very file."""
        shards = tuple(watch.as_end() for watch in pod.watches)
        body = Termination(code=code, message=message, shards=shards, run=pod.run).encode()
        if self._path is None or body == self._last:
            return
        try:
            replace_in_place(self._path, body)
        except OSError as error:
            # Shards are done without it; a full disk of the node must not end them.
            if not self._failed:
                print(f"agent: no termination message was written: {error}", file=sys.stderr)
            self._failed = True
            return
        self._last, self._failed = body, False


def one_line(message: str) -> str:
    """Fit to be the last line of stderr: some errors that we quote have several."""
    return " / ".join(line.strip() for line in message.splitlines() if line.strip())


def replace_in_place(path: Path, body: bytes) -> None:
    """Overwrite with one call, padded by spaces: a kill at any moment leaves whole JSON."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, body.ljust(os.fstat(descriptor).st_size), 0)
    finally:
        os.close(descriptor)


class Reporter(Protocol):
    """Tells how far the shards are. Neither call ever fails; what is lost does not matter."""

    def report(self, report: ProgressReport) -> None:
        """The newest word; returns at once."""

    def last(self, report: ProgressReport) -> None:
        """The last word; returns after a second at most."""


class PipeReporter:
    """Writes reports as lines to a pipe; the newest counts, and a full pipe loses one."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        os.set_blocking(descriptor, False)
        os.set_inheritable(descriptor, False)

    def report(self, report: ProgressReport) -> None:
        """Write it if the pipe has room."""
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, report.model_dump_json().encode() + b"\n")
        except BlockingIOError:
            return  # the reader is slow; the next report says it all again
        except OSError:
            self._descriptor = None

    last = report


def open_reporters(environment: WorkerEnvironment) -> Sequence[Reporter]:
    """To the local runner, to the operator, to nobody: as the environment says."""
    reporters: list[Reporter] = []
    if environment.progress_fd is not None:
        reporters.append(PipeReporter(environment.progress_fd))
    if environment.progress_url is not None:
        reporters.append(MailedReporter(environment))
    return reporters
