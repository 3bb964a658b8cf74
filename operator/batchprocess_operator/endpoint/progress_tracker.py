"""From reports to what reconcile reads: rates, when a shard last moved, what was lost on the way.

All of it lives in memory and may be forgotten at any moment; a job ends rightly without it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp

from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess_operator.endpoint.report_store import Heard, PodFacts, ReportStore
from batchprocess_operator.model.observed import Reported, ShardReport

_SMOOTH_SECONDS = 30.0
_CLOCKS = timedelta(seconds=10)
"""Pods' times come from the API server's clock, ours may differ."""


@dataclass(frozen=True, slots=True)
class _Pace:
    """How a shard moves. `heard` and `advanced`: when it was heard of, and last did a batch."""

    heard: datetime
    advanced: datetime
    rate: float | None = None


@dataclass
class _Job:
    paces: dict[int, _Pace] = field(default_factory=dict)
    lost: int = 0
    regressed: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass
class Tracker:
    """Takes reports from the endpoint and hands on `changed` with the job's UID.

    `created` gives a pod's creation time, None for one that is unknown.
    """

    changed: Callable[[str], None]
    created: Callable[[str], datetime | None]
    now: Callable[[], datetime]
    store: ReportStore = field(default_factory=ReportStore)
    _jobs: dict[str, _Job] = field(default_factory=dict)

    def take(self, pod: PodFacts, report: ProgressReport, now: float) -> None:
        """As `endpoint.reports.Reports`."""
        job = self._jobs.setdefault(pod.job_uid, _Job())
        before = dict(self.store.newest(pod.job_uid))
        self.store.take(pod, report, now)
        after = self.store.newest(pod.job_uid)
        for progress in report.shards:
            shard = progress.shard
            if after[shard].progress is progress:
                self._follow(job, before.get(shard), progress)
            else:
                self._look_back(job, after[shard], progress, pod)
        self.changed(pod.job_uid)

    def reported(self, uid: str) -> Reported:
        """The newest of one job."""
        job = self._jobs.get(uid)
        if job is None:
            return Reported()
        newest = self.store.newest(uid).items()
        shards = {k: _as_report(heard.progress, job.paces[k]) for k, heard in newest}
        return Reported(shards, self.store.run(uid), job.lost, dict(job.regressed))

    def forget(self, uid: str) -> None:
        """The job is gone."""
        self._jobs.pop(uid, None)
        self.store.forget(uid)

    def _follow(self, job: _Job, before: Heard | None, new: ShardProgress) -> None:
        """The newest word on a shard: of the same attempt as before, or of its successor."""
        now, old = self.now(), None if before is None else before.progress
        pace = job.paces.get(new.shard)
        if old is None or pace is None:
            job.paces[new.shard] = _Pace(now, now)
        elif old.seq != new.seq:
            # What the attempt before had done beyond the cursor is done again.
            job.lost += max(old.processed - new.cursor, 0)
            job.paces[new.shard] = _Pace(now, now)
        else:
            job.paces[new.shard] = _moved(pace, new.processed - old.processed, now)

    def _look_back(self, job: _Job, newest: Heard, told: ShardProgress, pod: PodFacts) -> None:
        """An older claim: a fenced attempt's late word, unless its pod is younger than the claim.

        Claims are numbered upwards for ever, so a younger pod with an older number stands in a
        ledger that has lost records.
        """
        created, pace = self.created(pod.uid), job.paces[told.shard]
        younger = created is not None and created > pace.heard + _CLOCKS
        if 0 < told.seq < newest.progress.seq and younger:
            job.regressed[told.shard] = (newest.progress.cursor, told.cursor)


def _moved(pace: _Pace, batches: int, now: datetime) -> _Pace:
    seconds = (now - pace.heard).total_seconds()
    if seconds <= 0:
        return pace
    # A pod can say that it has done less than before; nobody works backwards.
    rate = max(batches, 0) / seconds
    if pace.rate is not None:
        weight = 1 - exp(-seconds / _SMOOTH_SECONDS)
        rate = pace.rate + weight * (rate - pace.rate)
    return _Pace(now, now if batches > 0 else pace.advanced, rate)


def _as_report(progress: ShardProgress, pace: _Pace) -> ShardReport:
    return ShardReport(
        shard=progress.shard,
        claim=progress.seq,
        cursor=progress.cursor,
        total=progress.total,
        processed=progress.processed,
        phase=progress.phase,
        sealed=progress.sealed,
        heard=pace.heard,
        advanced=pace.advanced,
        rate=pace.rate,
    )
