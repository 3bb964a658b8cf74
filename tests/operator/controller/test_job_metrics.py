"""What a scrape shows of jobs."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from batchprocess_operator.controller.job_metrics import MAX_JOBS, JobCollector
from batchprocess_operator.watch.cache import JobCache

NOW = 1893456100.0


def put(cache: JobCache, name: str, **status: Any) -> None:
    meta = {"name": name, "namespace": "team", "uid": f"uid-{name}", "resourceVersion": "1"}
    meta["creationTimestamp"] = "2030-01-01T00:00:10Z"
    cache.put_job({"metadata": meta, "spec": {}, "status": status})


def condition(kind: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": reason}


class Scrape:
    def __init__(self, cache: JobCache, *, per_job: bool = True) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(JobCollector(cache, lambda: NOW, per_job))

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"batchprocess_{name}", labels)


def test_jobs_shards_and_rates_are_added_up() -> None:
    cache = JobCache()
    shards = {"succeeded": 1, "running": 2, "failed": 0, "pending": 1}
    size = {"batchSize": 4}
    put(cache, "a", state="Running", shards=shards, rate=10, dataset=size, lostWork=2, attempts=5)
    put(cache, "b", state="Running", shards=shards, rate=6, dataset=size)
    put(cache, "c", state="Queued")
    put(cache, "d", state="Complete", shards=shards, rate=100, lostWork=1)
    found = Scrape(cache)
    assert (found("jobs", state="Running"), found("jobs", state="Complete")) == (2, 1)
    assert found("jobs", state="Failed") == 0
    assert found("shards", state="running") == 4
    assert (found("rows_per_second"), found("batches_per_second")) == (16, 4)
    assert (found("lost_batches"), found("attempts")) == (3, 5)
    assert found("oldest_waiting_job_seconds") == 90


def test_failures_have_their_reasons_and_a_forged_one_is_other() -> None:
    cache = JobCache()
    put(cache, "a", state="Failed", conditions=[condition("Failed", "DeadlineExceeded")])
    put(cache, "b", state="Running", conditions=[condition("Stalled", "RequestsFail")])
    for number in range(50):
        put(cache, f"x{number}", state="Running", conditions=[condition("Stalled", f"R{number}")])
    found = Scrape(cache)
    assert found("jobs_failed", reason="DeadlineExceeded") == 1
    assert found("jobs_stalled", reason="RequestsFail") == 1
    assert found("jobs_stalled", reason="other") == 50
    assert found("jobs_stalled", reason="R7") is None


def test_a_job_has_its_own_series_until_it_ends() -> None:
    cache = JobCache()
    put(cache, "a", state="Running", batches={"done": 3, "total": 9}, rows=12)
    found = Scrape(cache)
    labels = {"namespace": "team", "job": "a"}
    assert found("job_batches_done", **labels) == 3
    assert found("job_batches", **labels) == 9
    assert found("job_rows_done", **labels) == 12
    assert Scrape(cache, per_job=False)("job_batches_done", **labels) is None
    cache.drop_job({"metadata": {"uid": "uid-a", "resourceVersion": "2"}})
    put(cache, "b", state="Failed")
    assert b'job="' not in generate_latest(found.registry)


@pytest.mark.hostile
def test_series_do_not_grow_with_what_users_apply() -> None:
    cache = JobCache()
    for number in range(MAX_JOBS + 5):
        put(cache, f"job-{number}", state="Running")
    found = Scrape(cache)
    assert found("jobs_without_series") == 5
    page = generate_latest(found.registry)
    assert page.count(b"batchprocess_job_stalled{") == MAX_JOBS
    assert len(page) < 1 << 20
