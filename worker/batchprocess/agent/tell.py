"""The two roads of progress: the termination message, and reports."""

import os
from collections.abc import Iterable
from pathlib import Path

from batchprocess.agent.supervise import Watch
from batchprocess.protocol.progress import ProgressReport
from batchprocess.protocol.termination import Termination


class TerminationLog:
    """Rewrites the message in place at every commit: a killed PID 1 can't write it later."""

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path)
        self._last = b""

    def write(
        self, watches: Iterable[Watch], *, code: int | None = None, message: str = ""
    ) -> None:
        """Tell how far every shard is. In place, because the kubelet mounts this very file."""
        shards = tuple(watch.as_end() for watch in watches)
        body = Termination(code=code, message=message, shards=shards).encode()
        if self._path is None or body == self._last:
            return
        self._path.write_bytes(body)
        self._last = body


class Reporter:
    """Writes reports as lines to a pipe; the newest counts, and a full pipe loses one."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        if descriptor is not None:
            os.set_blocking(descriptor, False)
            os.set_inheritable(descriptor, False)

    def report(self, watches: Iterable[Watch]) -> None:
        """Say how far the shards are; never blocks and never fails."""
        if self._descriptor is None:
            return
        report = ProgressReport(shards=tuple(watch.as_progress() for watch in watches))
        try:
            os.write(self._descriptor, report.model_dump_json().encode() + b"\n")
        except BlockingIOError:
            return  # the reader is slow; the next report says it all again
        except OSError:
            self._descriptor = None
