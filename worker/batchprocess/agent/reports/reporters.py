"""Who hears of progress: the local runner by a pipe, the operator by HTTPS, or nobody."""

import os
from collections.abc import Sequence
from typing import Protocol

from batchprocess.agent.reports.mailbox import MailedReporter
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import ProgressReport


class Reporter(Protocol):
    """Reports how far the shards are. Neither call ever fails; what is lost does not matter."""

    def report(self, report: ProgressReport) -> None:
        """Send the newest report; returns at once."""

    def last(self, report: ProgressReport) -> None:
        """Send the last report; returns after a second at most."""


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
            return  # the reader is slow; the next report has it all again
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
