"""The trace that the job's `profile: true` makes of the loop, for a person to open."""

import contextlib
import logging
from pathlib import Path
from typing import Any

import torch

from batchprocess.sdk.feed import Feed
from batchprocess.sdk.loop import Device, Loop
from batchprocess.sdk.profiler import NoProfiler

_LOG = logging.getLogger("batchprocess")
_SKIPPED = 5
"""The first batches compile, choose algorithms and fill caches: no picture of the rest."""
_RECORDED = 20
"""A trace of more batches than this is too large for a person to open."""


class Trace:
    """Records some batches of the loop, and names its parts; one file for Perfetto, or Chrome.

    Written below `folder` as soon as it is whole, so that the next commit copies it to the run.
    """

    def __init__(self, folder: Path, batches: int) -> None:
        self._folder = folder
        self._first = min(_SKIPPED, batches // 3)
        self._seen = 0
        self._profile: Any = None
        self._open: list[Any] = []

    def device(self, device: Device) -> Device:
        """The device with `process_batch` named in the trace."""
        return _TracedDevice(self, device)

    def feed(self, feed: Feed) -> Feed:
        """The feed with the waiting for data named in the trace."""
        return _TracedFeed(self, feed)

    def enter(self, name: str) -> None:
        """A part of the loop begins."""
        if self._profile is not None:
            self._open.append(torch.profiler.record_function(name))
            self._open[-1].__enter__()

    def leave(self) -> None:
        """It ends."""
        if self._open:
            self._open.pop().__exit__(None, None, None)

    def batch(self) -> None:
        """The next batch is about to be read."""
        if self._seen == self._first:
            self._profile = torch.profiler.profile(record_shapes=False)
            self._profile.start()
        elif self._seen == self._first + _RECORDED:
            self.close()
        self._seen += 1

    def close(self) -> None:
        """Write what was recorded."""
        if self._profile is None:
            return
        profile, self._profile = self._profile, None
        profile.stop()
        path = self._folder / "profile.pt.trace.json"
        profile.export_chrome_trace(str(path))
        _LOG.warning("a trace of the loop is in the run's tensorboard/ as %s", path.name)


def traced(loop: Loop, feed: Feed, folder: Path, batches: int) -> Feed:
    """Have `loop` recorded; returns the feed to run it on."""
    if type(loop.processor.profiler) is not NoProfiler:
        _LOG.warning("profile: true is ignored: the processor has a profiler of its own")
        return feed
    trace = Trace(folder, batches)
    trace.batch()
    loop.device = trace.device(loop.device)
    return trace.feed(feed)


class _TracedFeed:
    def __init__(self, trace: Trace, feed: Feed) -> None:
        self._trace, self._feed = trace, feed
        self.close = feed.close

    def done(self) -> None:
        self._feed.done()
        # Starting and writing a trace take seconds: not counted as waiting for data.
        self._trace.batch()

    def take(self) -> Any:
        self._trace.enter("batchprocess: wait for data")
        try:
            return self._feed.take()
        finally:
            self._trace.leave()


class _TracedDevice:
    def __init__(self, trace: Trace, device: Device) -> None:
        self._trace, self._device = trace, device

    @property
    def seconds(self) -> float:
        return self._device.seconds

    def begin(self) -> None:
        self._trace.enter("batchprocess: process_batch")
        self._device.begin()

    def end(self) -> None:
        self._device.end()
        self._trace.leave()

    def drain(self) -> None:
        with contextlib.closing(self._trace):
            self._device.drain()
