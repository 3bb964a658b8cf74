"""The alerts of the chart, by Prometheus' own code: what they make of series, and what they say."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.watch.cache import JobCache
from support.kube.helm import CHART, HelmError, rendered
from support.pages import ROOT
from testcluster.tools import built

pytestmark = pytest.mark.slow

CASES = Path(__file__).parent / "alerts"
WITH = {"jobs": True, "jobs-by-reason": False, "operator": True}
"""Files of cases, and whether single jobs have series."""


def rule(**values: Any) -> dict[str, Any]:
    given = {f"metrics__prometheusRule__{name}": value for name, value in values.items()}
    per_job = given.pop("metrics__prometheusRule__perJob", True)
    objects = rendered(
        metrics__perJob=per_job, **{"metrics__prometheusRule__enabled": True} | given
    )
    (made,) = [one for one in objects if one["kind"] == "PrometheusRule"]
    return made


def alerts(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["alert"]: one for group in made["spec"]["groups"] for one in group["rules"]}


def promtool(*arguments: str, folder: Path) -> str:
    command = [built("promtool"), *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(made: dict[str, Any], folder: Path) -> None:
    (folder / "rules.yaml").write_text(yaml.safe_dump(made["spec"]))


@pytest.mark.parametrize(("cases", "per_job"), WITH.items())
def test_series_become_these_alerts_and_no_other(cases: str, per_job: bool, tmp_path: Path) -> None:
    write(rule(job="ns/bp", perJob=per_job), tmp_path)
    shutil.copy(CASES / f"{cases}.yaml", tmp_path)
    promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml", folder=tmp_path)
    promtool("test", "rules", f"{cases}.yaml", folder=tmp_path)


@pytest.mark.parametrize("per_job", [True, False])
def test_each_alert_has_a_case_in_which_it_is_told_and_one_in_which_it_is_not(
    per_job: bool,
) -> None:
    files = [name for name, needs in WITH.items() if needs == per_job or name == "operator"]
    tests = [
        one
        for name in files
        for one in yaml.safe_load((CASES / f"{name}.yaml").read_text())["tests"]
    ]
    asked = [case for one in tests for case in one["alert_rule_test"]]
    for told in (True, False):
        names = {case["alertname"] for case in asked if bool(case["exp_alerts"]) == told}
        assert names == alerts(rule(perJob=per_job)).keys()


@pytest.mark.parametrize("per_job", [True, False])
def test_each_alert_says_what_it_is_what_to_do_and_has_a_part_of_the_page(per_job: bool) -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    headings = {one.lower() for one in re.findall(r"^## (BatchProcess\w+)$", page, re.MULTILINE)}
    for name, one in alerts(rule(perJob=per_job)).items():
        says = one["annotations"]
        assert says.keys() == {"summary", "description", "runbook_url"}
        assert says["runbook_url"] == f"docs/alerts.md#{name.lower()}"
        assert name.lower() in headings
        assert one["labels"]["severity"] in ("warning", "critical")
    assert headings == {name.lower() for name in alerts(rule())}


@pytest.mark.parametrize("per_job", [True, False])
def test_whatever_an_alert_asks_for_is_a_metric_of_the_operator(per_job: bool) -> None:
    metrics = Metrics(JobCache(), per_job=per_job)
    metrics.watch_certificate(lambda: 0.0)
    page = generate_latest(metrics.registry).decode()
    shown = set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
    for name, one in alerts(rule(perJob=per_job)).items():
        used = {
            each.removesuffix("_count") for each in re.findall(r"batchprocess_\w+", one["expr"])
        }
        assert used <= shown, name


def test_rules_are_about_what_the_monitor_of_the_same_release_scrapes() -> None:
    objects = rendered(metrics__podMonitor__enabled=True, metrics__prometheusRule__enabled=True)
    (monitor,) = [one["metadata"] for one in objects if one["kind"] == "PodMonitor"]
    # The Prometheus operator names what a PodMonitor scrapes so.
    job = f'job="{monitor["namespace"]}/{monitor["name"]}"'
    assert all(job in one["expr"] for one in alerts(rule()).values())
    assert all('job="batchprocess"' not in one["expr"] for one in alerts(rule()).values())


def test_what_is_told_when_and_to_whom_may_be_another() -> None:
    disabled, times = ["BatchProcessJobStalled"], {"BatchProcessJobNotProgressing": "3h"}
    more = {"alertLabels": {"team": "ml", "severity": "page"}, "labels": {"release": "prometheus"}}
    made = rule(disabled=disabled, runbooks="https://wiki.example/alerts", **{"for": times}, **more)
    found, usual = alerts(made), alerts(rule())
    assert made["metadata"]["labels"]["release"] == "prometheus"
    assert usual.keys() - found.keys() == set(disabled)
    assert found["BatchProcessJobNotProgressing"]["for"] == "3h"
    assert (
        found["BatchProcessCertificateEnds"]["for"] == usual["BatchProcessCertificateEnds"]["for"]
    )
    for name, one in found.items():
        assert (one["labels"]["team"], one["labels"]["severity"]) == ("ml", "page")
        assert one["annotations"]["runbook_url"] == f"https://wiki.example/alerts#{name.lower()}"


def test_there_are_none_without_metrics_or_without_being_asked_for() -> None:
    assert "PrometheusRule" not in {one["kind"] for one in rendered()}
    with pytest.raises(HelmError, match="there is nothing to watch"):
        rendered(metrics__enabled=False, metrics__prometheusRule__enabled=True)


@pytest.mark.parametrize("name", sorted(path.name for path in (CHART / "alerts").iterdir()))
def test_a_file_of_the_chart_is_one_that_prometheus_reads_as_it_is(name: str) -> None:
    promtool("check", "rules", "--lint=all", name, folder=CHART / "alerts")
