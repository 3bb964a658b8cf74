"""What the endpoint needs to know of pods, and what it keeps: the newest report on every shard."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape, SourceChange


@dataclass(frozen=True, slots=True)
class PodFacts:
    """One pod as the API server has it.

    `job_uid`, the BatchProcessJob's, and `shards` must come from the chain of owners and the Job
    that we created: whoever may create pods can write any label or annotation on one. `alive`:
    it has not ended and is not gone; a pod that is being deleted still reports.
    """

    namespace: str
    name: str
    uid: str
    job_uid: str
    shards: frozenset[int]
    alive: bool


class Pods(Protocol):
    """The pods of our jobs, from memory: asked once for every report."""

    def find(self, uid: str) -> PodFacts | None:
        """The worker pod with this UID; None if we know of no such pod."""


class Reports(Protocol):
    """Keeps what was found to be true to its sender. Must not fail and must not block."""

    def record(self, pod: PodFacts, report: ProgressReport, now: float) -> None:
        """Every shard in `report` is one of the pod's; `now` in seconds of the endpoint's clock."""


@dataclass(frozen=True, slots=True)
class ReceivedReport:
    """The newest report on a shard, and when it came (seconds of the endpoint's clock)."""

    progress: ShardProgress
    pod_uid: str
    received: float


@dataclass(slots=True)
class _Job:
    shards: dict[int, ReceivedReport] = field(default_factory=dict)
    run: RunShape | None = None
    source: SourceChange | None = None


class ReportStore:
    """Newest wins, by what the reports say and not by when they arrive.

    The claim's number comes first: an attempt that was fenced has a lower one than the attempt
    that fenced it, so its late report changes nothing. Holds at most `max_shards` of them in all;
    beyond that, the job that was silent longest is forgotten, as if the operator had restarted.
    """

    def __init__(self, max_shards: int = 200_000) -> None:
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._max_shards, self._held = max_shards, 0

    def record(self, pod: PodFacts, report: ProgressReport, now: float) -> None:
        """Keep what is newer than what is known."""
        job = self._jobs.setdefault(pod.job_uid, _Job())
        self._jobs.move_to_end(pod.job_uid)
        job.run = report.run or job.run
        job.source = report.source or job.source
        before = len(job.shards)
        for progress in report.shards:
            known = job.shards.get(progress.shard)
            if known is None or _age(known.progress) <= _age(progress):
                job.shards[progress.shard] = ReceivedReport(progress, pod.uid, now)
        self._held += len(job.shards) - before
        while self._held > self._max_shards and len(self._jobs) > 1:
            self.forget(next(iter(self._jobs)))

    def newest(self, job_uid: str) -> Mapping[int, ReceivedReport]:
        """A live view: the newest report on every shard of the job that has been reported."""
        job = self._jobs.get(job_uid)
        return MappingProxyType({} if job is None else job.shards)

    def run(self, job_uid: str) -> RunShape | None:
        """How the job's dataset is cut; None until a worker has counted it."""
        job = self._jobs.get(job_uid)
        return None if job is None else job.run

    def source(self, job_uid: str) -> SourceChange | None:
        """That a worker of the job was started with another source than the run, as last said."""
        job = self._jobs.get(job_uid)
        return None if job is None else job.source

    def forget(self, job_uid: str) -> None:
        """Drop all that is known of a job; nothing happens if that is nothing."""
        job = self._jobs.pop(job_uid, None)
        if job is not None:
            self._held -= len(job.shards)


def _age(progress: ShardProgress) -> tuple[int, int, int, bool]:
    """Grows with every step of a shard. Equal ages: a sign of life, or another phase."""
    return progress.seq, progress.cursor, progress.processed, progress.sealed
