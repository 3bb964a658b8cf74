"""What docs/kubernetes.md has people type or write does what it says, on a real API server."""

import json
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

import testcluster
from batchprocess.api.job import Spec
from batchprocess.api.scalars import MUTABLE
from batchprocess_operator.manifests.jobs import finalizer_job
from batchprocess_operator.observe.read_job import read_job
from support.job_cases import job, spec
from support.kube.job_server import JobServer
from support.operator.process import OperatorProcess, operator_process
from support.pages import read_page, section
from testcluster import ClusterError, Kubectl
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow

PAGE = read_page("kubernetes.md")
WAITS = [shlex.split(line)[1:] for line in re.findall(r"^kubectl wait .*", PAGE, re.MULTILINE)]
ENDS = {"Complete": "Failed", "Failed": "Complete"}
TIME = "2030-01-01T12:00:00Z"


def condition(kind: str, status: str) -> dict[str, str]:
    return {
        "type": kind,
        "status": status,
        "lastTransitionTime": TIME,
        "reason": "Finished",
        "message": "",
    }


def end(server: JobServer, state: str) -> None:
    conditions = [condition(state, "True"), condition(ENDS[state], "False")]
    server.patch_status({"state": state, "completionTime": TIME, "conditions": conditions})


@pytest.mark.parametrize("state", ENDS)
def test_the_wait_ends_on_success_and_on_failure_alike_and_tells_which(
    state: str, server: JobServer, kubectl: Kubectl
) -> None:
    both, tells = WAITS
    server.create(spec())
    server.patch_status({"state": "Running"})
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(kubectl, *both)
        end(server, state)
        assert "condition met" in waiting.result()
    if state == "Complete":
        assert "condition met" in kubectl(*tells)
    else:
        with pytest.raises(ClusterError, match="condition not met"):
            kubectl(*tells)


def test_the_wait_for_a_retry_begins_once_the_end_of_before_is_gone(
    server: JobServer, kubectl: Kubectl
) -> None:
    (line,) = re.findall(r"`(kubectl wait .*status\.retry.*)`", PAGE)
    server.create(spec())
    end(server, "Failed")
    server.patch([{"op": "replace", "path": "/spec/retry", "value": 1}])
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(kubectl, *shlex.split(line)[1:])
        server.patch_status({"state": "Pending", "retry": 1, "completionTime": None})
        assert "condition met" in waiting.result()


CHANGED = {"parallelism": 16, "suspend": True, "retry": 1}
BY_HAND = [
    *re.findall(r"^(kubectl scale .*?) +#", PAGE, re.MULTILINE),
    *re.findall(r"^(kubectl patch bpj .*)", PAGE, re.MULTILINE),
]


@pytest.mark.parametrize(
    "options", [[], ["--server-side", "--force-conflicts"]], ids=["client-side", "server-side"]
)
def test_what_a_file_has_never_said_stays_as_people_changed_it(
    options: list[str], server: JobServer, kubectl: Kubectl
) -> None:
    file = json.dumps(job(spec(shards=64)))
    kubectl("apply", *options, "--filename=-", stdin=file)
    for line in BY_HAND:
        kubectl(*shlex.split(line)[1:])
    kubectl("apply", *options, "--filename=-", stdin=file)
    stored = server.get()["spec"]
    assert {name: stored[name] for name in CHANGED} == CHANGED


def test_what_a_file_says_is_taken_back_by_the_next_sync(
    server: JobServer, kubectl: Kubectl
) -> None:
    file = json.dumps(job(spec(parallelism=2)))
    kubectl("apply", "--filename=-", stdin=file)
    kubectl("scale", "bpj", "digits", "--replicas=16")
    kubectl("apply", "--filename=-", stdin=file)
    assert server.get()["spec"]["parallelism"] == 2


def test_a_sync_is_told_to_leave_alone_all_that_people_change_by_hand() -> None:
    (block,) = re.findall(
        r"```yaml\n(.*?)```", section(read_page("gitops.md"), "What to leave out of Git"), re.DOTALL
    )
    (rule,) = yaml.safe_load(block)["spec"]["ignoreDifferences"]
    assert (rule["group"], rule["kind"]) == ("batchprocess.dev", "BatchProcessJob")
    assert rule["jsonPointers"] == [f"/spec/{name}" for name in CHANGED]
    assert all(Spec.model_fields[name].json_schema_extra == MUTABLE for name in CHANGED)


def template(heading: str) -> dict[str, Any]:
    (block,) = re.findall(r"```yaml\n(.*?)```", section(PAGE, heading), re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(block)["spec"]
    return found


NAMESPACE = "restricted"
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
    with operator_process(control_plane, "restricted-operator", NAMESPACES=NAMESPACE) as one:
        yield one


def applied(kubectl: Kubectl, name: str, **change: Any) -> dict[str, Any]:
    body = json.dumps(job(spec(shards=2, parallelism=2, **change), name))
    kubectl("create", f"--namespace={NAMESPACE}", "--filename=-", stdin=body)
    return kubectl.get("bpj", name, NAMESPACE)


@pytest.mark.parametrize("heading", ["Restricted namespaces", "Init containers"])
def test_a_restricted_namespace_takes_the_pods_of_the_example(
    heading: str, kubectl: Kubectl, operator: OperatorProcess
) -> None:
    name = heading.lower().replace(" ", "-")
    stored = applied(kubectl, name, **template(heading))
    selector = f"batchprocess.dev/job={name}"
    until("both pods are made", lambda: len(kubectl.names("pods", NAMESPACE, selector)) == 2)
    read = read_job(stored, None)
    pod = finalizer_job(read.body, read.identity)["spec"]["template"]
    pod |= {"apiVersion": "v1", "kind": "Pod"}
    pod["metadata"] = {"name": f"{name}-fin", "namespace": NAMESPACE}
    kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(pod))


def test_a_job_whose_pods_it_does_not_take_is_told_what_is_missing(
    kubectl: Kubectl, operator: OperatorProcess
) -> None:
    applied(kubectl, "unsafe")

    def told() -> str:
        conditions = kubectl.get("bpj", "unsafe", NAMESPACE).get("status", {}).get("conditions", ())
        starting = [one for one in conditions if one["type"] == "PodsStarting"]
        return starting[0]["message"] if starting else ""

    until("it is told", lambda: "runAsNonRoot" in told())
    assert "violates PodSecurity" in told()
