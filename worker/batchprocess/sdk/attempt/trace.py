"""The trace that the job's `profile: true` makes of the loop, for a person to open."""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from batchprocess.sdk.attempt.loop import Commits, Device, Loop
from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.output.folder_sync import FolderSync
from batchprocess.sdk.report.loop_times import Times
from batchprocess.sdk.user.profiler import NoProfiler

_LOG = logging.getLogger("batchprocess")
_SKIPPED = 5
"""The first batches compile, choose algorithms and fill caches: no picture of the rest."""
_RECORDED = 20
"""A trace of more batches than this is too large for a person to open."""


class Trace:
    """Records some batches of the loop, and names its parts; one file for Perfetto, or Chrome.

    Written below `folder` as soon as it is whole, so that the next commit copies it to the run.
    """

    def __init__(self, folder: Path, batches: int, times: Times) -> None:
        self._folder, self._times = folder, times
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

    def commits(self, commits: Commits) -> Commits:
        """The committer with what the loop waits for named in the trace."""
        return _TracedCommits(self, commits)

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

    def batch(self) -> None:
        """The next batch is about to be read."""
        began = time.monotonic()
        self._follow()
        # Seconds, within what the loop takes for user code.
        self._times.work -= time.monotonic() - began

    def _follow(self) -> None:
        if self._seen == self._first:
            self._profile = torch.profiler.profile(activities=_activities(), record_shapes=False)
            self._profile.start()
        elif self._seen == self._first + _RECORDED:
            self.close()
        self._seen += 1

    def abandon(self) -> None:
        """Stop: a process that ends while torch records ends in a crash, its exit code lost."""
        while self._open:
            self.leave()
        if self._profile is not None:
            self._profile.stop()
            self._profile = None

    def close(self) -> None:
        """Write what was recorded."""
        profile = self._profile
        if profile is None:
            return
        self.abandon()
        path = self._folder / "profile.pt.trace.json"
        try:
            profile.export_chrome_trace(str(path))
        except (OSError, RuntimeError) as error:
            _LOG.warning("the trace could not be written: %s", error)
            return
        _LOG.warning("a trace of the loop is in the run's tensorboard/ as %s", path.name)


@contextlib.contextmanager
def traced(loop: Loop, feed: Feed, folder: Path, batches: int) -> Iterator[Feed]:
    """Have `loop` recorded; gives the feed to run it on."""
    if type(loop.processor.profiler) is not NoProfiler:
        _LOG.warning("profile: true is ignored: the processor has a profiler of its own")
        yield feed
        return
    trace = Trace(folder, batches, loop.state.times)
    trace.batch()
    loop.device = trace.device(loop.device)
    loop.committer = trace.commits(loop.committer)
    try:
        yield trace.feed(feed)
    except BaseException:
        trace.abandon()
        raise


def _activities() -> list[torch.profiler.ProfilerActivity]:
    """Asked for the GPU's where there is none, torch writes errors into the log."""
    kinds = torch.profiler.ProfilerActivity
    return [kinds.CPU, kinds.CUDA] if torch.cuda.is_available() else [kinds.CPU]


class _TracedFeed:
    def __init__(self, trace: Trace, feed: Feed) -> None:
        self._trace, self._feed = trace, feed
        self.close = feed.close

    def batch_done(self) -> None:
        self._feed.batch_done()
        self._trace.batch()

    def next_batch(self) -> Any:
        with self._trace.part("batchprocess: wait for data"):
            return self._feed.next_batch()


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


class _TracedCommits:
    def __init__(self, trace: Trace, commits: Commits) -> None:
        self._trace, self._commits = trace, commits
        self.check, self.seal = commits.check, commits.seal

    def wait(self) -> None:
        with self._trace.part("batchprocess: wait for the commit in flight"):
            self._commits.wait()

    def commit(self, contents: CommitContents, tensorboard: FolderSync | None) -> None:
        with self._trace.part("batchprocess: begin a commit"):
            self._commits.commit(contents, tensorboard)
