"""From reports to what reconcile reads: rates, when a shard last moved, what was lost on the way.

All of it lives in memory and may be forgotten at any moment; a job ends rightly without it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp

from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess_operator.endpoint.report_store import PodFacts, ReceivedReport, ReportStore
from batchprocess_operator.model.reported import Reported, ShardReport

_SMOOTH_SECONDS = 30.0
_CLOCKS = timedelta(seconds=10)
"""Pods' times come from the API server's clock, ours may differ."""


@dataclass(frozen=True, slots=True)
class _Speed:
    """How a shard moves. `received`: its newest report; `advanced`: when it last did a batch."""

    received: datetime
    advanced: datetime
    rate: float | None = None


@dataclass
class _Job:
    speeds: dict[int, _Speed] = field(default_factory=dict)
    lost: int = 0
    regressed: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass
class ProgressTracker:
    """Takes reports from the endpoint and calls `changed` with the job's UID.

    `created` gives a pod's creation time, None for one that is unknown.
    """

    changed: Callable[[str], None]
    created: Callable[[str], datetime | None]
    now: Callable[[], datetime]
    store: ReportStore = field(default_factory=ReportStore)
    _jobs: dict[str, _Job] = field(default_factory=dict)

    def record(self, pod: PodFacts, report: ProgressReport, now: float) -> None:
        """As `endpoint.report_store.Reports`."""
        job = self._jobs.setdefault(pod.job_uid, _Job())
        known = self.store.newest(pod.job_uid)
        # Of the shards in the report only: a job may have ten thousand.
        before = {one.shard: known.get(one.shard) for one in report.shards}
        self.store.record(pod, report, now)
        after = self.store.newest(pod.job_uid)
        for progress in report.shards:
            shard = progress.shard
            if after[shard].progress is progress:
                self._follow(job, before.get(shard), progress)
            else:
                self._compare_older(job, after[shard], progress, pod)
        self.changed(pod.job_uid)

    def reported(self, uid: str) -> Reported:
        """The newest of one job."""
        job = self._jobs.get(uid)
        if job is None:
            return Reported()
        newest = self.store.newest(uid).items()
        shards = {k: _as_report(one.progress, job.speeds[k]) for k, one in newest}
        return Reported(
            shards=shards,
            shape=self.store.run(uid),
            lost=job.lost,
            regressed=dict(job.regressed),
            source=self.store.source(uid),
        )

    def forget(self, uid: str) -> None:
        """The job is gone."""
        self._jobs.pop(uid, None)
        self.store.forget(uid)

    def _follow(self, job: _Job, before: ReceivedReport | None, new: ShardProgress) -> None:
        """The newest report on a shard: of the same attempt as before, or of its successor."""
        now, old = self.now(), None if before is None else before.progress
        speed = job.speeds.get(new.shard)
        if old is None or speed is None:
            job.speeds[new.shard] = _Speed(now, now)
        elif old.seq != new.seq:
            # What the attempt before had done beyond the cursor is done again.
            job.lost += max(old.processed - new.cursor, 0)
            job.speeds[new.shard] = _Speed(now, now)
        else:
            job.speeds[new.shard] = _moved(speed, new.processed - old.processed, now)

    def _compare_older(
        self, job: _Job, newest: ReceivedReport, older: ShardProgress, pod: PodFacts
    ) -> None:
        """An older claim: a fenced attempt's late report, unless its pod is younger than the claim.

        Claims are numbered upwards for ever, so a younger pod with an older number stands in a
        ledger that has lost records.
        """
        created, speed = self.created(pod.uid), job.speeds[older.shard]
        younger = created is not None and created > speed.received + _CLOCKS
        if 0 < older.seq < newest.progress.seq and younger:
            job.regressed[older.shard] = (newest.progress.cursor, older.cursor)


def _moved(speed: _Speed, batches: int, now: datetime) -> _Speed:
    seconds = (now - speed.received).total_seconds()
    if seconds <= 0:
        return speed
    # A pod can say that it has done less than before; nobody works backwards.
    rate = max(batches, 0) / seconds
    if speed.rate is not None:
        weight = 1 - exp(-seconds / _SMOOTH_SECONDS)
        rate = speed.rate + weight * (rate - speed.rate)
    return _Speed(now, now if batches > 0 else speed.advanced, rate)


def _as_report(progress: ShardProgress, speed: _Speed) -> ShardReport:
    return ShardReport(
        shard=progress.shard,
        claim=progress.seq,
        cursor=progress.cursor,
        total=progress.total,
        processed=progress.processed,
        phase=progress.phase,
        sealed=progress.sealed,
        received=speed.received,
        advanced=speed.advanced,
        rate=speed.rate,
        indexed=progress.indexed,
        bad_rows=progress.bad_rows,
    )
