"""Prometheus itself scrapes a real operator, and an alert of the chart names a job that failed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import testcluster
from support.job_cases import job, spec
from support.kube.helm import rendered
from support.operator.process import operator_process
from testcluster.machine.ports import free_port
from testcluster.machine.waiting import until
from testcluster.prometheus import Prometheus, start_prometheus

pytestmark = pytest.mark.slow

JOB = "batchprocess-system/bp-batchprocess-operator"
"""As the Prometheus operator names what the PodMonitor of the release scrapes."""


@pytest.fixture(scope="module")
def prometheus(
    control_plane: testcluster.ControlPlane, kubectl: testcluster.Kubectl, tmp_path_factory: Any
) -> Iterator[Prometheus]:
    """One that scrapes an operator, with the chart's rules as they are."""
    rules: Path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    objects = rendered(metrics__prometheusRule__enabled=True)
    (rule,) = [one for one in objects if one["kind"] == "PrometheusRule"]
    rules.write_text(yaml.safe_dump(rule["spec"]))
    port = str(free_port())
    with operator_process(control_plane, "scraped-operator", METRICS_PORT=port):
        yield start_prometheus(control_plane.programs, f"127.0.0.1:{port}", JOB, rules)
        control_plane.programs.stop("prometheus")


def firing(prometheus: Prometheus) -> list[dict[str, str]]:
    return [one["labels"] for one in prometheus.alerts() if one["state"] == "firing"]


def test_an_operator_with_a_job_that_waits_is_no_alarm(
    prometheus: Prometheus, kubectl: testcluster.Kubectl
) -> None:
    kubectl.apply(json.dumps(job(spec(), "waits")))
    until("it is counted", lambda: prometheus.query('batchprocess_jobs{state="Pending"} > 0') != [])
    assert prometheus.query("up")[0]["value"][1] == "1"
    looks = "batchprocess_reconcile_seconds_count > 0"
    until("looks are counted", lambda: prometheus.query(looks) != [])
    # Until the first scrape the operator is absent, for less than an alert waits.
    until("nothing is wrong", lambda: prometheus.alerts() == [])


def test_a_job_that_has_failed_is_named_with_its_reason(
    prometheus: Prometheus, kubectl: testcluster.Kubectl
) -> None:
    large = {"a": "x" * 200_000}
    kubectl(
        "apply",
        "--server-side",
        "--filename=-",
        stdin=json.dumps(job(spec(hparams=large), "large")),
    )
    until("an alert fires", lambda: firing(prometheus) != [])
    (alert,) = firing(prometheus)
    assert alert == {
        "alertname": "BatchProcessJobFailed",
        "severity": "warning",
        "namespace": "default",
        "job_namespace": "default",
        "job_name": "large",
        "reason": "InvalidSpec",
    }
