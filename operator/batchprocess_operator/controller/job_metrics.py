"""Metrics of jobs, counted when they are asked for, over what the watch has seen.

Series must not grow with what users apply: reasons are ours, and those of single jobs vanish with
them, are bounded, and can be left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from batchprocess.api.status import State
from batchprocess_operator.controller.single_job_metrics import single_job_families
from batchprocess_operator.model.condition_types import CONDITION_TYPES
from batchprocess_operator.model.job import FINAL
from batchprocess_operator.observe.job_figures import SHARD_STATES, Figures
from batchprocess_operator.watch.cache import JobCache

_OTHER = "other"


@dataclass(frozen=True)
class JobCollector(Collector):
    """`now` in seconds since 1970; `per_job`: whether single jobs have series of their own."""

    cache: JobCache
    now: Callable[[], float]
    per_job: bool

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All families, also those without a job."""
        jobs = [one.job for one in list(self.cache.entries.values()) if one.job is not None]
        figures = [job.figures for job in jobs]
        yield _counted("jobs", "Jobs by state", "state", Counter(one.state for one in figures))
        for name, kind, what in (
            ("jobs_failed", "Failed", "Failed jobs that still exist, by reason"),
            ("jobs_stalled", "Stalled", "Jobs that cannot go on by themselves, by reason"),
        ):
            reasons = [
                one.failed if kind == "Failed" else one.stalled
                for one in figures
                if (one.state in FINAL) == (kind == "Failed")
            ]
            found = Counter(_known(reason, kind) for reason in reasons if reason)
            yield _counted(name, what, "reason", found)
        yield _single("bad_rows", "Rows that were left out", sum(one.bad_rows for one in figures))
        yield from self._of_open([one for one in figures if one.state not in FINAL])
        yield _single(
            "lost_batches",
            "Batches that were processed and lost before they were committed, of all jobs",
            sum(one.lost_batches for one in figures),
        )
        yield _single(
            "attempts",
            "Worker pods that have started for the jobs that exist",
            sum(one.attempts for one in figures),
        )
        if self.per_job:
            yield from single_job_families(jobs, lambda reason: _known(reason, "Failed"))

    def _of_open(self, figures: Iterable[Figures]) -> Iterator[GaugeMetricFamily]:
        shards: Counter[str] = Counter()
        rows = batches = oldest = 0.0
        for one in figures:
            shards.update({name: int(n) for name, n in zip(SHARD_STATES, one.shards, strict=True)})
            rows += one.rate
            batches += one.rate / one.batch_size if one.batch_size else 0.0
            if one.state in ("Pending", "Queued") and one.created is not None:
                oldest = max(oldest, self.now() - one.created)
        counted = {name: shards[name] for name in SHARD_STATES}
        yield _counted("shards", "Shards of the jobs that are not final", "state", counted)
        yield _single("rows_per_second", "Rows that are being committed, over all jobs", rows)
        yield _single("batches_per_second", "Batches that are being committed", batches)
        yield _single(
            "oldest_waiting_job_seconds", "Age of the oldest job that is Pending or Queued", oldest
        )


def _counted(
    name: str, what: str, label: str, counts: Counter[str] | dict[str, int]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"batchprocess_{name}", what, labels=(label,))
    # A state without a job is 0, so that alerts have something to compare with.
    for value in sorted({*counts, *(get_args(State) if name == "jobs" else ())}):
        family.add_metric((value,), counts.get(value, 0))
    return family


def _single(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"batchprocess_{name}", what, value=value)


def _known(reason: str, kind: str) -> str:
    """Reasons of ours; whoever may write a status can write any."""
    own, failed = CONDITION_TYPES[kind].reasons, CONDITION_TYPES["Failed"].reasons
    return reason if reason in own or reason in failed else _OTHER
