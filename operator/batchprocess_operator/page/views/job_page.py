"""One job, whole, as its page shows it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from batchprocess.api.status import Condition, Status
from batchprocess.kube.bad_news import BAD_NEWS
from batchprocess_operator.model.job import FINAL, Job
from batchprocess_operator.observe.read_job import Unreadable, read_status, read_stored
from batchprocess_operator.observe.shards import Shards, read_shards
from batchprocess_operator.page.views import words
from batchprocess_operator.page.views.failures import Failure, last_failures
from batchprocess_operator.page.views.heat_map import HeatMap, heat_map
from batchprocess_operator.page.views.job_rows import JobRow, job_row
from batchprocess_operator.page.views.shard_rows import ShardTable, shard_table
from batchprocess_operator.page.views.snapshot import EventSeen, Samples, Snapshot
from batchprocess_operator.page.views.time_spent import TimeSpent, time_spent
from batchprocess_operator.page.views.words import Moment

_RANKS = {kind: rank for rank, kind in enumerate(BAD_NEWS)}


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """One condition. `rank`: how much it stands in the job's way, 0 the most; None: it does not."""

    type: str
    status: str
    reason: str
    message: str
    since: Moment | None
    rank: int | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One Event about the job."""

    warning: bool
    reason: str
    message: str
    times: int
    last: Moment | None


@dataclass(frozen=True, slots=True)
class JobPage:
    """All of it. `facts`: names and values. `worst`: what stands most in the job's way.

    `unreadable`: why there are no shards to show.

    `events` and `failures` are None for who may not read Events, or pods, in that namespace;
    `events` also where they cannot be read.
    """

    row: JobRow
    facts: Sequence[tuple[str, str]]
    worst: ConditionRow | None
    unreadable: str
    map: HeatMap | None
    table: ShardTable | None
    spent: TimeSpent
    series: str
    samples: Sequence[tuple[str, str, str, str]]
    failures: Sequence[Failure] | None
    conditions: Sequence[ConditionRow]
    events: Sequence[EventRow] | None


def job_page(seen: Snapshot, asked: Mapping[str, str]) -> JobPage:
    """As of the snapshot; `asked`: the request's query."""
    raw = seen.stored.unpacked()
    status = read_status(raw)
    conditions = sorted((_condition(one, seen.now) for one in status.conditions), key=_worst_first)
    job: Job | None
    try:
        job, unreadable = read_stored(seen.stored, raw, None), ""
    except Unreadable as error:
        job, unreadable = None, words.text(error)
    shards = None if job is None else read_shards(job.body, job.before, seen.observed)
    return JobPage(
        row=job_row(seen.stored, seen.now),
        facts=_facts(job, status, seen.now),
        worst=_worst(conditions, status),
        unreadable=unreadable,
        map=None if shards is None else heat_map(shards, _attempts(shards, status)),
        table=None if shards is None else _table(shards, status, seen, asked),
        spent=time_spent(one.progress for one in seen.newest.values()),
        series=_series(seen.samples),
        samples=_last_samples(seen.samples),
        failures=_failures(job, seen) if seen.pods else None,
        conditions=conditions,
        events=None if seen.events is None else [_event(one, seen.now) for one in seen.events],
    )


def _attempts(shards: Shards, status: Status) -> dict[int, int]:
    """As far as is known: of pods, and of what the status has of others that are gone."""
    told = {row.shard: row.attempts for row in status.shard_progress}
    return {k: max(told.get(k, 0), shards.attempts.get(k, 0)) for k in {*told, *shards.attempts}}


def _table(shards: Shards, status: Status, seen: Snapshot, asked: Mapping[str, str]) -> ShardTable:
    attempts = _attempts(shards, status)
    return shard_table(shards, seen.observed.reported.shards, attempts, asked, seen.now)


def _failures(job: Job | None, seen: Snapshot) -> Sequence[Failure]:
    if job is None:
        return ()
    spec = job.body.spec
    return last_failures(seen.observed, spec.shards, spec.worker.processes_per_worker, seen.now)


def _facts(job: Job | None, status: Status, now: datetime) -> list[tuple[str, str]]:
    """Names and values, without those of which nothing is known."""
    rows = None if status.dataset is None else status.dataset.rows
    final = status.state in FINAL
    end = status.completion_time
    took = (end or now) - status.start_time if status.start_time else None
    found: list[tuple[str, Any]] = [
        ("Rows", _of(status.rows, rows)),
        ("Started", _exact(status.start_time, now)),
        ("Ended" if final else "Estimated end", _exact(end if final else status.eta, now)),
        ("Took" if final else "So far", words.duration(took.total_seconds()) if took else ""),
        ("Pods that have started", words.count(status.attempts) if status.attempts else ""),
        ("Batches lost with pods", words.count(status.lost_work) if status.lost_work else ""),
        ("Rows left out", words.count(status.bad_rows) if status.bad_rows else ""),
        ("Retry", status.retry or ""),
        ("Output", status.output_uri or ""),
    ]
    if job is not None:
        spec = job.body.spec
        found += [("Pods at a time", words.count(spec.parallelism)), ("Image", spec.image)]
    return [(name, words.text(value)) for name, value in found if value]


def _of(done: int | None, total: int | None) -> str:
    if not done and not total:
        return ""
    return f"{words.count(done or 0)} of {'?' if total is None else words.count(total)}"


def _exact(time: datetime | None, now: datetime) -> str:
    found = words.moment(time, now)
    return "" if found is None else found.exact


def _condition(one: Condition, now: datetime) -> ConditionRow:
    return ConditionRow(
        type=words.text(one.type, 64),
        status=one.status,
        reason=words.text(one.reason, 64),
        message=words.text(one.message),
        since=words.moment(one.last_transition_time, now),
        rank=_RANKS.get((one.type, one.status)),
    )


def _worst_first(one: ConditionRow) -> int:
    return len(_RANKS) if one.rank is None else one.rank


def _worst(conditions: Sequence[ConditionRow], status: Status) -> ConditionRow | None:
    """Of a job that is complete, nothing that was in its way on the way."""
    bad = (one for one in conditions if one.rank is not None)
    return None if status.state == "Complete" else next(bad, None)


def _event(one: EventSeen, now: datetime) -> EventRow:
    last = words.moment(one.last, now)
    return EventRow(
        one.warning, words.text(one.reason, 64), words.text(one.message), one.times, last
    )


def _series(samples: Samples) -> str:
    """For the plots: [times, rows a second, minutes left], JSON; null where nothing is known."""
    minutes = [one / 60 if isfinite(one) else None for one in samples.left]
    rates = [one if isfinite(one) else None for one in samples.rates]
    return json.dumps([[round(one) for one in samples.times], rates, minutes], allow_nan=False)


def _last_samples(samples: Samples) -> list[tuple[str, str, str, str]]:
    """The plots in words: at most a dozen moments."""
    step = max(len(samples.times) // 12, 1)
    found = []
    for k in range(len(samples.times) - 1, -1, -step):
        at = datetime.fromtimestamp(samples.times[k], UTC)
        line = words.rate(samples.rates[k]), words.count(samples.rows[k])
        found.append((f"{at:%H:%M:%S}", *line, words.duration(samples.left[k])))
    return found[:12]
