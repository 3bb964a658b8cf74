"""A job on a cluster, in the hands of a program."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from batchprocess.api.status import Status
from batchprocess.client import changes
from batchprocess.client.errors import JobFailed
from batchprocess.client.logs.follow_logs import follow_logs
from batchprocess.client.logs.last_words import LAST_LINES, LastWords, last_words
from batchprocess.client.logs.log_lines import LogLine
from batchprocess.client.logs.read_logs import check_tail, read_logs, read_pods
from batchprocess.client.outcome import exit_code, why
from batchprocess.client.server.connection import Connection
from batchprocess.client.snapshot import Snapshot
from batchprocess.client.watching import snapshots
from batchprocess.protocol.errors import InvalidArgument

CANCEL_SECONDS = 600.0


@dataclass(frozen=True, repr=False)
class ClusterJob(Snapshot):
    """A job as it was when it was read: `name`, `namespace`, `uid`, `spec`, `status`, `raw`.

    Its methods ask the cluster anew, and refuse with Changed if it is another job by now.
    """

    connection: Connection

    def refresh(self) -> "ClusterJob":
        """The job as it is now."""
        return self._of(changes.read_again(self.connection, self))

    def watch(self, timeout: float | None = None) -> Iterator[Status]:
        """Its status now and each time it has changed, up to the last one, in which it has ended.

        timeout: seconds after which WaitedTooLong is raised. Raises NotFound if it is deleted.
        """
        for seen in self.follow(timeout):
            yield seen.status

    def follow(self, timeout: float | None = None) -> "Iterator[ClusterJob]":
        """As `watch`, but the whole job."""
        for seen in snapshots(self.connection, self, timeout):
            yield self._of(seen)
            if seen.ended:
                return

    def wait(self, timeout: float | None = None) -> "ClusterJob":
        """The job once it has ended well: Complete, or Complete with failures that it tolerates.

        timeout: seconds after which WaitedTooLong is raised; the job goes on. Raises JobFailed,
        whose `code` is the exit code, and NotFound if the job is deleted.
        """
        last = self
        for seen in self.follow(timeout):
            last = seen
        last.raise_if_failed()
        return last

    def raise_if_failed(self) -> None:
        """Raise JobFailed if this job has failed, as far as is known here."""
        if self.ended and not self.succeeded:
            status = self.status
            raise JobFailed(f"{self.name} has failed: {why(status)}", exit_code(status))

    def logs(
        self,
        *,
        follow: bool = False,
        shards: Sequence[int] | None = None,
        tail: int | None = None,
        notice: Callable[[str], object] = lambda _: None,
    ) -> Iterator[LogLine]:
        """What its pods have written: `text`, `time` and `pod` of each line, pods merged by time.

        follow: go on as they write, over pods that come and go, until the job has ended. shards:
        only pods of these, and not the finalizer. tail: only so many last lines of each pod, not
        with follow. notice: told in sentences of what cannot be shown.

        Raises InvalidArgument, NotFound, Denied, Unavailable.
        """
        if not follow:
            wanted = read_pods(self.connection, self, shards)
            return read_logs(self.connection, self, wanted, check_tail(tail))
        if tail is not None:
            raise InvalidArgument("tail and follow are not given together: follow shows all")
        return follow_logs(self.connection, self, shards, notice)

    def last_words(
        self, *, shards: Sequence[int] | None = None, tail: int = LAST_LINES
    ) -> Iterator[LastWords]:
        """The last failed pod of each shard that was not made good since, with its last lines.

        Of at most 100 pods, each with `tail` lines, exit code and sentence.
        """
        return last_words(self.connection, self, shards, check_tail(tail) or LAST_LINES)

    def suspend(self) -> "ClusterJob":
        """Have all workers commit and stop; `resume` goes on. Raises Rejected if it has ended."""
        return self._of(changes.set_suspend(self.connection, self.refresh(), suspend=True))

    def resume(self) -> "ClusterJob":
        """Go on with a job that is suspended."""
        return self._of(changes.set_suspend(self.connection, self.refresh(), suspend=False))

    def retry(self) -> "ClusterJob":
        """Run the shards of a failed job again that are not complete. Raises Rejected."""
        return self._of(changes.raise_retry(self.connection, self.refresh()))

    def cancel(self, timeout: float = CANCEL_SECONDS) -> "ClusterJob":
        """End it for good: it is deleted, and its pods have committed and are gone on return.

        The job as it was before. What is written stays, and a job of the same name with
        `spec.runId` set to that of its status goes on with it. Raises Rejected if it has ended,
        WaitedTooLong if pods are still there after `timeout` seconds.
        """
        before = self.refresh()
        changes.cancel(self.connection, before, timeout)
        return before

    def delete(self) -> None:
        """Delete it, ended or not, without waiting for its pods. What is written stays."""
        changes.delete(self.connection, self)

    def _of(self, seen: Snapshot) -> "ClusterJob":
        return ClusterJob(seen.raw, self.connection)
