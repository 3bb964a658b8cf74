"""The trace that the job's `profile: true` makes of the loop, for a person to open."""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from batchprocess.sdk.report.loop_times import Times

_LOG = logging.getLogger("batchprocess")
_SKIPPED_BATCHES = 5
"""The first batches compile, choose algorithms and fill caches: no picture of the rest."""
_MAX_RECORDED_BATCHES = 20
"""A trace of more batches than this is too large for a person to open."""


class Trace:
    """Records some batches of the loop, and names its parts; one file for Perfetto, or Chrome.

    Written below `folder` as soon as it is whole, so that the next commit copies it to the run.
    """

    def __init__(self, folder: Path, batches: int, times: Times) -> None:
        self._folder, self._times = folder, times
        self._first = min(_SKIPPED_BATCHES, batches // 3)
        self._seen = 0
        self._profile: Any = None
        self._open: list[Any] = []

    def enter(self, name: str) -> None:
        """A part of the loop begins."""
        if self._profile is not None:
            self._open.append(torch.profiler.record_function(name))
            self._open[-1].__enter__()

    def leave(self) -> None:
        """It ends."""
        if self._open:
            self._open.pop().__exit__(None, None, None)

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Both, around a block."""
        self.enter(name)
        try:
            yield
        finally:
            self.leave()

    def begin_batch(self) -> None:
        """The next batch is about to be read."""
        began = time.monotonic()
        self._follow()
        # Seconds, within what the loop takes for user code.
        self._times.work -= time.monotonic() - began

    def _follow(self) -> None:
        if self._seen == self._first:
            self._profile = torch.profiler.profile(activities=_activities(), record_shapes=False)
            self._profile.start()
        elif self._seen == self._first + _MAX_RECORDED_BATCHES:
            self.export()
        self._seen += 1

    def stop(self) -> None:
        """Stop recording: a process that ends while torch records crashes, its exit code lost."""
        while self._open:
            self.leave()
        if self._profile is not None:
            self._profile.stop()
            self._profile = None

    def export(self) -> None:
        """Stop, and write what was recorded."""
        profile = self._profile
        if profile is None:
            return
        self.stop()
        path = self._folder / "profile.pt.trace.json"
        try:
            profile.export_chrome_trace(str(path))
        except (OSError, RuntimeError) as error:
            _LOG.warning("the trace could not be written: %s", error)
            return
        _LOG.warning("a trace of the loop is in the run's tensorboard/ as %s", path.name)


def _activities() -> list[torch.profiler.ProfilerActivity]:
    """Asked for the GPU's where there is none, torch writes errors into the log."""
    kinds = torch.profiler.ProfilerActivity
    return [kinds.CPU, kinds.CUDA] if torch.cuda.is_available() else [kinds.CPU]
