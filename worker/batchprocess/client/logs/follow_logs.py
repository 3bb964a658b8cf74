"""What a job's pods write while it runs: pods that come and go, until the job has ended."""

import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from batchprocess.client.changes import read_again
from batchprocess.client.errors import Changed, ClusterError, NotFound, Unavailable
from batchprocess.client.logs.log_lines import LogLine
from batchprocess.client.logs.log_pods import LogPod, log_pods
from batchprocess.client.logs.pod_reader import PodReader, Told
from batchprocess.client.logs.read_logs import MAX_STREAMS, chosen, raw_pods
from batchprocess.client.server.connection import Connection
from batchprocess.client.snapshot import Snapshot

LOOK_SECONDS = 2.0
PATIENCE_SECONDS = 900.0
REST_SECONDS = 60.0
"""For what is left to be read once the job has ended: a pod's node may be gone."""
MAX_QUEUE = 1_000
"""Lines that wait for who reads them; pods' logs wait where they are then."""


def follow_logs(
    connection: Connection,
    job: Snapshot,
    shards: Sequence[int] | None = None,
    notice: Callable[[str], object] = lambda _: None,
) -> Iterator[LogLine]:
    """The lines of all pods as they come, those of pods that are made later too.

    Ends once the job has ended, or is deleted, and its pods' lines are told. At most 64 pods are
    read at once; `notice` is told of others that wait until one of these ends.
    """
    following = _Following(connection, job, shards, notice)
    try:
        yield from following.lines()
    finally:
        following.close()


class _Following:
    def __init__(
        self,
        connection: Connection,
        job: Snapshot,
        shards: Sequence[int] | None,
        notice: Callable[[str], object],
    ) -> None:
        self._connection, self._job, self._shards = connection, job, shards
        self._notice, self._waiting = notice, 0
        self._told: queue.Queue[Told] = queue.Queue(MAX_QUEUE)
        self._readers: dict[str, PodReader] = {}
        self._seen: dict[str, Mapping[str, Any]] = {}
        self._seen_at = connection.clock()

    def lines(self) -> Iterator[LogLine]:
        ended_at = None
        while True:
            # Looked at first: what pods have written before the job ended is read after that.
            if ended_at is None and self._job_has_ended():
                ended_at = self._connection.clock()
            waiting = self._look()
            yield from self._put_by_now(LOOK_SECONDS)
            if ended_at is None:
                continue
            at_work = [one.pod.name for one in self._readers.values() if not one.done]
            if not waiting and not at_work:
                yield from self._put_by_now(0)
                return
            if self._connection.clock() - ended_at > REST_SECONDS:
                self._notice(f"the job has ended, and these pods still write: {', '.join(at_work)}")
                return

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()

    def _job_has_ended(self) -> bool:
        try:
            self._job = read_again(self._connection, self._job)
        except (NotFound, Changed):
            return True
        except Unavailable:
            if self._connection.clock() - self._seen_at > PATIENCE_SECONDS:
                raise
            return False
        self._seen_at = self._connection.clock()
        return self._job.ended

    def _look(self) -> int:
        """Begin to read pods that have started; how many have to wait."""
        try:
            found = self._pods()
        except Unavailable:
            return 1
        begun = [pod for pod in found if pod.started or pod.ended]
        new = [pod for pod in begun if pod.uid not in self._readers]
        at_work = sum(not one.done for one in self._readers.values())
        room = max(0, MAX_STREAMS - at_work)
        for pod in _oldest(new)[:room]:
            self._readers[pod.uid] = PodReader(
                self._connection, self._job.namespace, pod, self._told
            )
        waiting = max(0, len(new) - room)
        if waiting and not self._waiting:
            self._notice(
                f"{MAX_STREAMS} pods are followed at once, and {waiting} wait until one of them "
                "ends: choose with --shard"
            )
        self._waiting = waiting
        return waiting

    def _pods(self) -> list[LogPod]:
        """Those that are there; those that are gone count among the attempts."""
        there = {raw["metadata"]["uid"]: raw for raw in raw_pods(self._connection, self._job)}
        self._seen |= {uid: {"metadata": raw["metadata"]} for uid, raw in there.items()}
        found = log_pods((self._seen | there).values(), self._job)
        return chosen([one for one in found if one.uid in there], self._shards)

    def _put_by_now(self, seconds: float) -> Iterator[LogLine]:
        """What is told within `seconds`; raises what a reader could not go on for."""
        until = self._connection.clock() + seconds
        while True:
            try:
                left = until - self._connection.clock()
                told = self._told.get(timeout=left) if left > 0 else self._told.get_nowait()
            except queue.Empty:
                return
            if isinstance(told, Unavailable):
                self._notice(f"the log of a pod could not be read to its end: {told}")
            elif isinstance(told, ClusterError):
                raise told
            else:
                yield told
            if left <= 0 < seconds:
                return


def _oldest(pods: Sequence[LogPod]) -> list[LogPod]:
    return sorted(pods, key=lambda pod: pod.created)
