"""What the chart makes for the Prometheus operator, by the schema that this operator installs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.kube.helm import CHART, NAME, NAMESPACE, RELEASE, flags, helm, rendered
from testcluster import ClusterError, ControlPlane
from testcluster.machine.waiting import until
from testcluster.tools import built

pytestmark = pytest.mark.slow
GROUP = "monitoring.coreos.com"
ALL = {
    "metrics__podMonitor": {"enabled": True, "interval": "1m30s", "labels": {"release": "p"}},
    "metrics__grafanaDashboard": {"enabled": True},
    "metrics__prometheusRule": {
        "enabled": True,
        "labels": {"release": "p"},
        "alertLabels": {"team": "ml"},
        "for": {"BatchProcessJobStalled": "1h"},
    },
}


@pytest.fixture(scope="module")
def monitored(installed: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster that has the CRDs of the Prometheus operator."""
    crds = built("prometheus-operator-crds.yaml")
    installed.kubectl("create", f"--filename={crds}")
    kinds = ("podmonitors", "prometheusrules")
    until(
        "they are served", lambda: all(one in installed.kubectl("api-resources") for one in kinds)
    )
    yield installed
    installed.kubectl("delete", f"--filename={crds}", "--wait=false")


def monitoring(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in objects if one["apiVersion"] == f"{GROUP}/v1"}


def stored(plane: ControlPlane, made: dict[str, Any]) -> Any:
    """What the API server keeps of it; it refuses fields that the schema has not."""
    flags = ("--server-side", "--force-conflicts", "--validate=strict", "--filename=-")
    plane.kubectl("apply", *flags, stdin=json.dumps(made))
    return plane.kubectl.get(f"{made['kind']}.{GROUP}", NAME, NAMESPACE)["spec"]


@pytest.mark.parametrize("per_job", [True, False])
def test_rules_and_the_monitor_are_kept_as_they_are(monitored: ControlPlane, per_job: bool) -> None:
    made = monitoring(rendered(metrics__perJob=per_job, **ALL))
    assert made.keys() == {"PodMonitor", "PrometheusRule"}
    for one in made.values():
        assert stored(monitored, one) == one["spec"]


@pytest.mark.parametrize("values", sorted((CHART / "ci").iterdir()), ids=lambda path: path.stem)
def test_what_every_file_of_values_makes_is_taken(values: Path, monitored: ControlPlane) -> None:
    text = helm("template", RELEASE, str(CHART), f"--values={values}", *flags({}))
    objects = [one for one in yaml.safe_load_all(text) if one is not None]
    for one in monitoring(objects).values():
        assert stored(monitored, one) == one["spec"]


def test_the_schema_judges_fields_and_values(monitored: ControlPlane) -> None:
    made = monitoring(rendered(**ALL))["PodMonitor"]
    with pytest.raises(ClusterError, match=r"spec\.podMetricsEndpoint: field not declared"):
        stored(monitored, made | {"spec": made["spec"] | {"podMetricsEndpoint": []}})
    (endpoint,) = made["spec"]["podMetricsEndpoints"]
    soon = made["spec"] | {"podMetricsEndpoints": [endpoint | {"interval": "soon"}]}
    with pytest.raises(ClusterError, match=r"podMetricsEndpoints\[0\]\.interval"):
        stored(monitored, made | {"spec": soon})


def test_helm_installs_and_removes_them_with_the_release(monitored: ControlPlane) -> None:
    values = {name.replace("__", "."): value for name, value in ALL.items()}
    kinds = f"podmonitors.{GROUP},prometheusrules.{GROUP},configmaps"
    ours = f"app.kubernetes.io/instance={RELEASE}"
    # What was applied above belongs to nobody's release.
    monitored.kubectl("delete", "--all", kinds.removesuffix(",configmaps"), f"-n={NAMESPACE}")
    place = list(flags(values, monitored.kubeconfig))
    helm("upgrade", RELEASE, str(CHART), *place)
    names = monitored.kubectl.names(kinds, NAMESPACE, ours)
    assert names == [NAME, NAME, f"{NAME}-dashboard"]
    helm("upgrade", RELEASE, str(CHART), "--reset-values", *flags({}, monitored.kubeconfig))
    assert monitored.kubectl.names(kinds, NAMESPACE, ours) == []


def test_monitor_rules_and_board_are_about_the_same_pods_and_are_found() -> None:
    objects = rendered(**ALL)
    made = monitoring(objects)
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    (board,) = [one for one in objects if one["kind"] == "ConfigMap"]
    pod, monitor = deployment["spec"]["template"], made["PodMonitor"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in container["ports"]}
    # Of one namespace: a PodMonitor without namespaceSelector looks in its own.
    assert {one["metadata"]["namespace"] for one in (deployment, board, *made.values())} == {
        NAMESPACE
    }
    assert {one["metadata"]["labels"]["release"] for one in made.values()} == {"p"}
    # The sidecar of Grafana's chart asks for the label, that of kube-prometheus-stack for "1" too.
    # It writes each key as a file, and Grafana reads what ends so.
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert all(name.endswith(".json") for name in board["data"])
    assert len(json.dumps(board).encode()) < 1_048_576, "more than a ConfigMap holds"
    job = f'job="{NAMESPACE}/{NAME}"'
    rules = [rule for group in made["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]
    assert rules
    assert all(job in rule["expr"] for rule in rules if "job=" in rule["expr"])
