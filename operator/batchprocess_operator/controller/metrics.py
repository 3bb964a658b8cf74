"""Prometheus metrics. No label has a job's name: series must not grow with what users apply."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from batchprocess_operator.listen.pages import Page
from batchprocess_operator.model.job import FINAL
from batchprocess_operator.watch.cache import JobCache

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class Metrics:
    """One registry, and the page that shows it."""

    def __init__(
        self, cache: JobCache, unreadable_objects: Callable[[], float] = lambda: 0
    ) -> None:
        self.registry = CollectorRegistry()
        self._reconcile = Histogram(
            "batchprocess_reconcile_seconds",
            "Time to look at a job once, requests to the API server included",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._errors = Counter(
            "batchprocess_reconcile_errors_total",
            "Looks that ended in an answer of the API server that asks for another try",
            registry=self.registry,
        )
        self._reports = Counter(
            "batchprocess_reports_total", "Progress reports taken", registry=self.registry
        )
        jobs = Gauge("batchprocess_jobs", "Jobs that are not final", registry=self.registry)
        jobs.set_function(lambda: _open_jobs(cache))
        unreadable = Gauge(
            "batchprocess_unreadable_objects",
            "Versions of objects that could not be read since the start, and were left out",
            registry=self.registry,
        )
        unreadable.set_function(unreadable_objects)
        pods = Gauge("batchprocess_pods", "Pods that are known", registry=self.registry)
        pods.set_function(lambda: sum(len(one.pods) for one in list(cache.entries.values())))

    @contextmanager
    def timed_pass(self) -> Iterator[None]:
        """Time one pass over a job."""
        with self._reconcile.time():
            yield

    def failed(self) -> None:
        """A pass has to be repeated."""
        self._errors.inc()

    def reported(self) -> None:
        """A report was taken."""
        self._reports.inc()

    def page(self) -> Page:
        """What /metrics answers."""
        return Page("/metrics", CONTENT_TYPE_PLAIN_0_0_4, lambda: generate_latest(self.registry))


def _open_jobs(cache: JobCache) -> int:
    jobs = [entry.job for entry in list(cache.entries.values()) if entry.job is not None]
    return sum(job.state not in FINAL for job in jobs)
