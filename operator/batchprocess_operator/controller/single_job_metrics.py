"""Metrics of single jobs: what alerts name a job by. They vanish with it, and are bounded.

Their labels are none that Prometheus gives what it scrapes, as `namespace` and `job` are: so they
keep their names however the operator is scraped.
"""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily

from batchprocess_operator.model.job import FINAL
from batchprocess_operator.observe.job_figures import Figures
from batchprocess_operator.observe.stored_job import StoredJob

MAX_JOBS = 1_000
"""Jobs that are not final, and as many that have failed: the newest."""
_LABELS = ("job_namespace", "job_name")
_OPEN: tuple[tuple[str, str, Callable[[Figures], float | None]], ...] = (
    ("running", "1 while workers are wanted", lambda job: float(job.working)),
    ("stalled", "1 if the job's condition Stalled holds", lambda job: float(bool(job.stalled))),
    ("batches_done", "Batches that are committed", lambda job: job.batches),
    ("batches", "All batches; 0 until they are counted", lambda job: job.all_batches),
    ("rows_done", "Rows of the committed batches", lambda job: job.rows),
    ("rows_per_second", "Rows that are being committed", lambda job: job.rate),
    ("shards_failed", "Shards that have failed", lambda job: job.shards[2]),
    ("bad_rows", "Rows that were left out", lambda job: job.bad_rows),
    ("bad_rows_limit", "Rows that may be left out", lambda job: job.bad_rows_limit),
)


def single_job_families(
    jobs: Sequence[StoredJob], reason: Callable[[str], str]
) -> Iterator[GaugeMetricFamily]:
    """Of those that are not final, and of those that have failed. `reason`: one of ours."""
    newest = sorted(jobs, key=lambda job: -(job.figures.created or 0))
    running = [job for job in newest if job.figures.state not in FINAL]
    failed = [job for job in newest if job.figures.state == "Failed"]
    for name, what, value in _OPEN:
        family = GaugeMetricFamily(f"batchprocess_job_{name}", what, labels=_LABELS)
        for job in running[:MAX_JOBS]:
            if (found := value(job.figures)) is not None:
                family.add_metric((job.namespace, job.name), found)
        yield family
    what, labels = "1 for a job that has failed and still exists", (*_LABELS, "reason")
    family = GaugeMetricFamily("batchprocess_job_failed", what, labels=labels)
    for job in failed[:MAX_JOBS]:
        family.add_metric((job.namespace, job.name, reason(job.figures.failed)), 1)
    yield family
    without = sum(max(len(one) - MAX_JOBS, 0) for one in (running, failed))
    what = f"Jobs without series of their own, which {MAX_JOBS} have, and as many that have failed"
    yield GaugeMetricFamily("batchprocess_jobs_without_series", what, value=without)
