"""Prometheus metrics of the operator itself; `job_metrics.py` has those of jobs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from batchprocess_operator.controller.job_metrics import JobCollector
from batchprocess_operator.listen.pages import Page
from batchprocess_operator.model.job import FINAL
from batchprocess_operator.watch.cache import JobCache

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class Metrics:
    """One registry, and the page that shows it."""

    def __init__(
        self,
        cache: JobCache,
        unreadable_objects: Callable[[], float] = lambda: 0,
        *,
        overdue: Callable[[], float] = lambda: 0,
        now: Callable[[], float] = time.time,
        per_job: bool = True,
    ) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(JobCollector(cache, now, per_job))
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
        self._answers = self._counter("report_requests", "Requests to the endpoint", "code")
        self._writes = self._counter("status_writes", "Writes of a job's status", "result")
        self._messages, self._jobs_waiting = self._of_notifications()
        self._finished = self._counter("jobs_finished", "Jobs that became final", "state")
        for state in FINAL:
            self._finished.labels(state)
        self._gauge(
            "unreadable_objects",
            "Versions of objects that could not be read since the start, and were left out",
            unreadable_objects,
        )
        self._gauge(
            "pods",
            "Pods that are known",
            lambda: sum(len(one.pods) for one in list(cache.entries.values())),
        )
        self._gauge("reconcile_overdue_seconds", "How late the next look at a job is", overdue)

    def _of_notifications(self) -> tuple[Counter, Gauge]:
        messages = Counter(
            "batchprocess_notifications_total",
            "Messages about jobs: tries that delivered them or failed, put off, given up",
            ("destination", "result"),
            registry=self.registry,
        )
        waiting = Gauge(
            "batchprocess_notifications_waiting",
            "Jobs with messages that are not delivered yet",
            ("destination",),
            registry=self.registry,
        )
        return messages, waiting

    def _counter(self, name: str, what: str, label: str) -> Counter:
        return Counter(f"batchprocess_{name}_total", what, (label,), registry=self.registry)

    def _gauge(self, name: str, what: str, value: Callable[[], float]) -> None:
        made = Gauge(f"batchprocess_{name}", what, registry=self.registry)
        made.set_function(value)

    def watch_certificate(self, expires: Callable[[], float]) -> None:
        """Show when the endpoint's certificate ends, in seconds since 1970; NaN without one."""
        self._gauge(
            "certificate_expires_seconds", "When the certificate ends, a Unix time", expires
        )

    def watch_destination(self, name: str, waiting: Callable[[], float]) -> None:
        """Count messages to a destination, and show for how many jobs there are some."""
        for result in ("delivered", "failed", "deferred", "lost"):
            self._messages.labels(name, result)
        self._jobs_waiting.labels(name).set_function(waiting)

    def message(self, destination: str, result: str) -> None:
        """A try to deliver a message has ended, or one was put off or given up."""
        self._messages.labels(destination, result).inc()

    def answered(self, code: int) -> None:
        """A request to the progress endpoint was answered."""
        self._answers.labels(str(code)).inc()

    def status_written(self, before: str | None, after: str | None, *, written: bool) -> None:
        """A status was written over one of state `before`, or refused since it had changed."""
        self._writes.labels("written" if written else "conflict").inc()
        if written and after in FINAL and before != after:
            self._finished.labels(after).inc()

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
