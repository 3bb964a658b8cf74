"""The board for Grafana and the alerts, over the operator's own page, by Prometheus itself."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.listen.pages import serve_pages
from batchprocess_operator.watch.cache import JobCache
from support.kube.helm import HelmError, rendered
from testcluster.machine.programs import Programs
from testcluster.machine.waiting import until
from testcluster.prometheus import Prometheus, start_prometheus

pytestmark = pytest.mark.slow

JOB = "ns/bp"
SKIP = {"failurePolicy": {"onBadRow": "skip"}}
SIZE = {"rows": 1_000, "batches": 250, "batchSize": 4}
SHARDS = {"succeeded": 1, "running": 2, "failed": 1, "pending": 4}
ALERTS = {
    "BatchProcessJobFailed",
    "BatchProcessJobStalled",
    "BatchProcessJobNotProgressing",
    "BatchProcessJobBadRowsNearLimit",
    "BatchProcessOperatorNotReconciling",
    "BatchProcessReconcileErrors",
    "BatchProcessCertificateEnds",
    "BatchProcessNotificationsFail",
}
"""All but that the operator is absent: here it is not."""


def condition(kind: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": reason}


def cache() -> JobCache:
    """A job of each kind that the board or an alert is about."""
    progress = {"batches": {"done": 40, "total": 250}, "rate": 8, "badRows": 9, "lostWork": 3}
    statuses: dict[str, dict[str, Any]] = {
        "digits": {"state": "Running", "dataset": SIZE, "shards": SHARDS, **progress},
        "queued": {"state": "Queued"},
        "refused": {"state": "Failed", "conditions": [condition("Failed", "CannotWork")]},
        "broken": {"state": "Pending", "conditions": [condition("Stalled", "InvalidSpec")]},
        "done": {"state": "Complete"},
    }
    made = JobCache()
    for name, status in statuses.items():
        meta = {"name": name, "namespace": "team", "uid": name, "resourceVersion": "1"}
        meta["creationTimestamp"] = "2030-01-01T00:00:10Z"
        made.put_job({"metadata": meta, "spec": SKIP, "status": status})
    return made


def work(metrics: Metrics, ended: threading.Event) -> None:
    """Counters that count: Prometheus sees a rise between two scrapes only."""
    while not ended.wait(0.2):
        with metrics.timed_pass():
            metrics.failed()
        metrics.answered(200)
        metrics.answered(401)
        metrics.reported()
        metrics.message("team", "failed")
        metrics.status_written("Running", "Failed", written=True)
        metrics.status_written("Running", "Running", written=False)


@contextlib.contextmanager
def served(metrics: Metrics) -> Iterator[str]:
    """The operator's own page, on a loop of its own."""
    loop, ended = asyncio.new_event_loop(), threading.Event()
    found: list[int] = []
    begun, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with serve_pages((metrics.page(),), "127.0.0.1", 0) as port:
            found.append(port)
            begun.set()
            await stop.wait()

    threads = [
        threading.Thread(target=loop.run_until_complete, args=(serve(),)),
        threading.Thread(target=work, args=(metrics, ended)),
    ]
    for one in threads:
        one.start()
    try:
        assert begun.wait(10)
        yield f"127.0.0.1:{found[0]}"
    finally:
        ended.set()
        loop.call_soon_threadsafe(stop.set)
        for one in threads:
            one.join()
        loop.close()


@pytest.fixture(scope="module")
def charted() -> list[dict[str, Any]]:
    values = {"metrics__prometheusRule": {"enabled": True, "job": JOB}}
    return rendered(metrics__grafanaDashboard__enabled=True, **values)


@pytest.fixture(scope="module")
def board(charted: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [one for one in charted if one["kind"] == "ConfigMap"]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    made: dict[str, Any] = json.loads(found["data"]["batchprocess-overview.json"])
    return made


@pytest.fixture(scope="module")
def prometheus(
    charted: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """One that scrapes such a page, with the chart's rules, which wait for nothing here."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    (rule,) = [one for one in charted if one["kind"] == "PrometheusRule"]
    for one in (each for group in rule["spec"]["groups"] for each in group["rules"]):
        one.pop("for", None)
    (folder / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
    metrics = Metrics(cache(), overdue=lambda: 400.0, now=time.time)
    metrics.watch_certificate(lambda: time.time() + 3_600)
    programs = Programs(folder)
    with served(metrics) as address:
        try:
            yield start_prometheus(programs, address, JOB, folder / "rules.yaml")
        finally:
            programs.kill_all()


def test_every_query_of_the_board_gives_something(
    board: dict[str, Any], prometheus: Prometheus
) -> None:
    choice = {"$job": ".*", "$__rate_interval": "1m"}
    for panel in board["panels"]:
        for target in panel["targets"]:
            asked = target["expr"]
            for name, value in choice.items():
                asked = asked.replace(name, value)

            def answered(asked: str = asked) -> bool:
                values = [float(one["value"][1]) for one in prometheus.query(asked)]
                return bool(values) and all(value == value for value in values)

            until(f"{panel['title']}: {asked} gives numbers", answered, seconds=30)


def test_lines_of_the_board_are_named_by_labels_that_they_have(
    board: dict[str, Any], prometheus: Prometheus
) -> None:
    (progress,) = [one for one in board["panels"] if one["title"] == "Progress"]
    (target,) = progress["targets"]
    (one,) = prometheus.query(target["expr"].replace("$job", ".*"))
    assert one["metric"] == {"job_namespace": "team", "job_name": "digits"}
    assert float(one["value"][1]) == 40 / 250


def test_all_alerts_fire_over_the_page_and_name_the_job(prometheus: Prometheus) -> None:
    def firing() -> dict[str, dict[str, Any]]:
        found = [one for one in prometheus.alerts() if one["state"] == "firing"]
        return {one["labels"]["alertname"]: one for one in found}

    until("all alerts fire", lambda: firing().keys() >= ALERTS, seconds=60)
    found = firing()
    assert found.keys() == ALERTS
    labels = found["BatchProcessJobFailed"]["labels"]
    assert (labels["namespace"], labels["job_name"]) == ("team", "refused")
    assert labels["reason"] == "CannotWork"
    assert "team/broken" in found["BatchProcessJobStalled"]["annotations"]["summary"]
    assert "9 rows" in found["BatchProcessJobBadRowsNearLimit"]["annotations"]["summary"]


def test_there_is_no_board_without_metrics_or_without_being_asked_for() -> None:
    assert "ConfigMap" not in {one["kind"] for one in rendered()}
    with pytest.raises(HelmError, match="there is nothing to show"):
        rendered(metrics__enabled=False, metrics__grafanaDashboard__enabled=True)
