"""What docs/how-to/restricted-namespaces.md says of pods holds where they are restricted."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import testcluster
from batchprocess_operator.manifests.jobs import finalizer_job
from batchprocess_operator.observe.read_job import read_job
from support.job_cases import job, spec
from support.operator.process import OperatorProcess, operator_process
from support.pages import read_page, section
from testcluster import Kubectl
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow

PAGE = read_page("how-to/restricted-namespaces.md")
PAGES = {"Pod Security": PAGE, "Init containers": read_page("kubernetes.md")}


def template(heading: str) -> dict[str, Any]:
    (block,) = re.findall(r"```yaml\n(.*?)```", section(PAGES[heading], heading), re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(block)["spec"]
    return found


NAMESPACE, QUOTA = "restricted", "bounded"
RESTRICTED = f"""
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels: {{pod-security.kubernetes.io/enforce: restricted}}
"""


@pytest.fixture(scope="module")
def operator(
    control_plane: testcluster.ControlPlane, kubectl: Kubectl
) -> Iterator[OperatorProcess]:
    kubectl.apply(RESTRICTED)
    kubectl("create", "namespace", QUOTA)
    both = f"{NAMESPACE},{QUOTA}"
    with operator_process(control_plane, "restricted-operator", NAMESPACES=both) as one:
        yield one


def starting(kubectl: Kubectl, name: str, namespace: str) -> str:
    """What the condition says that tells why pods do not start."""
    conditions = kubectl.get("bpj", name, namespace).get("status", {}).get("conditions", ())
    return "".join(one["message"] for one in conditions if one["type"] == "PodsStarting")


def finalizer_pod(stored: dict[str, Any], name: str, namespace: str) -> dict[str, Any]:
    """The one that the operator would make, to be shown to the API server."""
    read = read_job(stored, None)
    template = finalizer_job(read.body, read.identity)["spec"]["template"]
    metadata = {"name": name, "namespace": namespace}
    return {**template, "apiVersion": "v1", "kind": "Pod", "metadata": metadata}


def applied(kubectl: Kubectl, name: str, **change: Any) -> dict[str, Any]:
    body = json.dumps(job(spec(shards=2, parallelism=2, **change), name))
    kubectl("create", f"--namespace={NAMESPACE}", "--filename=-", stdin=body)
    return kubectl.get("bpj", name, NAMESPACE)


@pytest.mark.parametrize("heading", PAGES)
def test_a_restricted_namespace_takes_the_pods_of_the_example(
    heading: str, kubectl: Kubectl, operator: OperatorProcess
) -> None:
    name = heading.lower().replace(" ", "-")
    stored = applied(kubectl, name, **template(heading))
    selector = f"batchprocess.dev/job={name}"
    until("both pods are made", lambda: len(kubectl.names("pods", NAMESPACE, selector)) == 2)
    pod = finalizer_pod(stored, f"{name}-fin", NAMESPACE)
    kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(pod))


def test_a_job_whose_pods_it_does_not_take_is_told_what_is_missing(
    kubectl: Kubectl, operator: OperatorProcess
) -> None:
    applied(kubectl, "unsafe")

    until("it is told", lambda: "runAsNonRoot" in starting(kubectl, "unsafe", NAMESPACE))
    assert "violates PodSecurity" in starting(kubectl, "unsafe", NAMESPACE)


@pytest.fixture
def quota(kubectl: Kubectl, operator: OperatorProcess) -> None:
    """The quota of the page is in force in its namespace."""
    _, objects = yaml_blocks("Quotas")
    kubectl("create", f"--namespace={QUOTA}", "--filename=-", stdin=json.dumps(objects))
    name = objects["metadata"]["name"]
    until("it counts", lambda: "hard" in kubectl.get("quota", name, QUOTA).get("status", {}))


def yaml_blocks(heading: str) -> list[dict[str, Any]]:
    found = re.findall(r"```yaml\n(.*?)```", section(PAGE, heading), re.DOTALL)
    return [yaml.safe_load(block) for block in found]


def created(kubectl: Kubectl, name: str, **change: Any) -> None:
    body = json.dumps(job(spec(**change), name))
    kubectl("create", f"--namespace={QUOTA}", "--filename=-", stdin=body)


def pods_of(kubectl: Kubectl, name: str) -> int:
    return len(kubectl.names("pods", QUOTA, f"batchprocess.dev/job={name}"))


def test_under_a_quota_pods_of_the_example_are_made_and_others_are_told_what_is_missing(
    kubectl: Kubectl, quota: None
) -> None:
    example = yaml_blocks("Quotas")[0]["spec"]
    created(kubectl, "counted", shards=2, parallelism=2, **example)
    created(kubectl, "uncounted", shards=2, parallelism=2)
    until("both pods are made", lambda: pods_of(kubectl, "counted") == 2)
    pod = finalizer_pod(kubectl.get("bpj", "counted", QUOTA), "counted-fin", QUOTA)
    kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(pod))
    until("it is told", lambda: "must specify" in starting(kubectl, "uncounted", QUOTA))
    # 40 CPUs are ten pods of four.
    created(kubectl, "crowded", shards=12, parallelism=12, **example)
    until("as many as fit are made", lambda: pods_of(kubectl, "crowded") == 8)
    (line,) = re.findall(r"`kubectl (describe jobs[^`]*)`", section(PAGE, "Quotas"))
    describe = [*line.replace("NAME", "crowded").split(), f"--namespace={QUOTA}"]
    until("it is told", lambda: "exceeded quota: team" in kubectl(*describe))
    kubectl("delete", "bpj", "counted", f"--namespace={QUOTA}")
    until("others follow", lambda: pods_of(kubectl, "crowded") == 10, seconds=120)
