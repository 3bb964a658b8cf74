"""What the loop works with beside the feed: the device, and what becomes of its commits."""

from typing import Protocol

from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.output.folder_sync import FolderSync


class Device(Protocol):
    """The GPU's queue of batches; see `in_flight.BatchesInFlight`."""

    @property
    def seconds(self) -> float:
        """In which it held work of a batch."""

    def begin(self) -> None:
        """A batch's work comes now."""

    def end(self) -> None:
        """All of it is queued."""

    def drain(self) -> None:
        """Wait until it is done."""


class Commits(Protocol):
    """What becomes of boundaries; see `committer.Committer`."""

    def check(self) -> None:
        """After a batch without a boundary; raises what the commit in flight has failed with."""

    def wait(self) -> None:
        """Until no commit is in flight; raises what it failed with."""

    @property
    def busy(self) -> bool:
        """Whether a commit is in flight."""

    def commit(self, contents: CommitContents, tensorboard: FolderSync | None) -> None:
        """Start making it durable."""

    def seal(self, contents: CommitContents, batches: int, tensorboard: FolderSync | None) -> None:
        """End the shard."""


class NoDevice:
    """On the CPU work is done when the call returns."""

    seconds = 0.0

    def begin(self) -> None:
        """Nothing to measure."""

    end = drain = begin
