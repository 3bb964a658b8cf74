"""What a scrape shows of single jobs."""

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from batchprocess_operator.controller.single_job_metrics import MAX_JOBS, single_job_families
from batchprocess_operator.observe.stored_job import StoredJob, stored_job

FAILED = [{"type": "Failed", "status": "True", "reason": "CannotWork"}]


def job(name: str, spec: dict[str, Any], created: str = "", **status: Any) -> StoredJob:
    meta = {"name": name, "namespace": "team", "uid": f"uid-{name}", "resourceVersion": "1"}
    meta["creationTimestamp"] = created or "2030-01-01T00:00:10Z"
    return stored_job({"metadata": meta, "spec": spec, "status": status})


class Scrape(Collector):
    def __init__(self, *jobs: StoredJob) -> None:
        self._jobs = jobs
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return single_job_families(self._jobs, lambda reason: reason.lower())

    def __call__(self, name: str, of: str | None = None, **more: str) -> float | None:
        labels = {} if of is None else {"job_namespace": "team", "job_name": of}
        return self.registry.get_sample_value(f"batchprocess_{name}", labels | more)


def test_a_job_tells_how_far_it_is() -> None:
    found = Scrape(job("a", {}, state="Running", batches={"done": 3, "total": 9}, rows=12))
    assert (found("job_batches_done", "a"), found("job_batches", "a")) == (3, 9)
    assert (found("job_rows_done", "a"), found("job_stalled", "a")) == (12, 0)
    assert found("job_running", "a") == 1


def test_no_workers_are_wanted_of_a_job_that_waits_or_is_scaled_to_nothing() -> None:
    found = Scrape(
        job("queued", {}, state="Queued"), job("scaled", {"parallelism": 0}, state="Running")
    )
    assert (found("job_running", "queued"), found("job_running", "scaled")) == (0, 0)


def test_a_limit_of_bad_rows_is_shown_where_there_is_one() -> None:
    skip = {"failurePolicy": {"onBadRow": "skip"}}
    found = Scrape(
        job("a", skip, state="Running", badRows=4, dataset={"rows": 1000}),
        job("b", skip, state="Running"),
        job("c", {}, state="Running", dataset={"rows": 1000}),
    )
    assert (found("job_bad_rows", "a"), found("job_bad_rows_limit", "a")) == (4, 10)
    assert (found("job_bad_rows", "b"), found("job_bad_rows_limit", "b")) == (0, None)
    assert found("job_bad_rows_limit", "c") is None


def test_series_vanish_with_the_end_and_a_failed_job_has_one_with_its_reason() -> None:
    found = Scrape(
        job("a", {}, state="Failed", conditions=FAILED), job("b", {}, state="Complete", rows=3)
    )
    assert found("job_failed", "a", reason="cannotwork") == 1
    assert generate_latest(found.registry).count(b"job_name=") == 1


@pytest.mark.hostile
def test_series_do_not_grow_with_what_users_apply() -> None:
    state = {"state": "Failed", "conditions": FAILED}
    jobs = [job(f"job-{number}", {}, state="Running") for number in range(MAX_JOBS + 5)]
    jobs += [job(f"old-{number}", {}, **state) for number in range(MAX_JOBS + 2)]
    jobs.append(job("new", {}, created="2030-01-01T00:00:11Z", **state))
    found = Scrape(*jobs)
    assert found("jobs_without_series") == 5 + 3
    assert found("job_failed", "new", reason="cannotwork") == 1
    page = generate_latest(found.registry)
    assert page.count(b"batchprocess_job_stalled{") == MAX_JOBS
    assert page.count(b"batchprocess_job_failed{") == MAX_JOBS
    assert len(page) < 1 << 20
