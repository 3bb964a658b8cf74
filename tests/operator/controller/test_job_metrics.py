"""What a scrape shows of jobs."""

from typing import Any

from prometheus_client import CollectorRegistry

from batchprocess_operator.controller.job_metrics import JobCollector
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


def test_a_failed_job_is_not_stalled_too() -> None:
    cache = JobCache()
    told = [condition("Failed", "CannotWork"), condition("Stalled", "CannotWork")]
    put(cache, "a", state="Failed", conditions=told)
    found = Scrape(cache)
    assert found("jobs_failed", reason="CannotWork") == 1
    assert found("jobs_stalled", reason="CannotWork") is None


def test_rows_that_were_left_out_are_added_up() -> None:
    cache = JobCache()
    put(cache, "a", state="Running", badRows=3)
    put(cache, "b", state="Complete", badRows=4)
    assert Scrape(cache)("bad_rows") == 7


def test_series_of_single_jobs_can_be_left_out() -> None:
    cache = JobCache()
    put(cache, "a", state="Running")
    labels = {"job_namespace": "team", "job_name": "a"}
    assert Scrape(cache)("job_running", **labels) == 1
    assert Scrape(cache, per_job=False)("job_running", **labels) is None
