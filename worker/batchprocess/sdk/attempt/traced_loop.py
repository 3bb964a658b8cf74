"""A loop whose parts a trace names: the waiting for data, the user's code, the commits."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batchprocess.sdk.attempt.interfaces import Commits, Device
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.attempt.trace import Trace
from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.output.folder_sync import FolderSync
from batchprocess.sdk.user.profiler import NoProfiler

_LOG = logging.getLogger("batchprocess")


@contextlib.contextmanager
def traced(loop: Loop, feed: Feed, folder: Path, batches: int) -> Iterator[Feed]:
    """Have `loop` recorded; gives the feed to run it on."""
    if type(loop.processor.profiler) is not NoProfiler:
        _LOG.warning("profile: true is ignored: the processor has a profiler of its own")
        yield feed
        return
    trace = Trace(folder, batches, loop.state.times)
    trace.begin_batch()
    loop.device = _TracedDevice(trace, loop.device)
    loop.committer = _TracedCommits(trace, loop.committer)
    try:
        yield _TracedFeed(trace, feed)
    except BaseException:
        trace.stop()
        raise


class _TracedFeed:
    """The waiting for data, named in the trace."""

    def __init__(self, trace: Trace, feed: Feed) -> None:
        self._trace, self._feed = trace, feed
        self.close, self.read_alone = feed.close, feed.read_alone

    def batch_done(self) -> None:
        self._feed.batch_done()
        self._trace.begin_batch()

    def next_batch(self) -> Any:
        with self._trace.part("batchprocess: wait for data"):
            return self._feed.next_batch()


class _TracedDevice:
    """`process_batch`, named in the trace."""

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
        try:
            self._device.drain()
        finally:
            self._trace.export()


class _TracedCommits:
    """What the loop waits for, named in the trace."""

    def __init__(self, trace: Trace, commits: Commits) -> None:
        self._trace, self._commits = trace, commits
        self.check, self.seal = commits.check, commits.seal

    @property
    def busy(self) -> bool:
        return self._commits.busy

    def wait(self) -> None:
        with self._trace.part("batchprocess: wait for the commit in flight"):
            self._commits.wait()

    def commit(self, contents: CommitContents, tensorboard: FolderSync | None) -> None:
        with self._trace.part("batchprocess: begin a commit"):
            self._commits.commit(contents, tensorboard)
