"""What pods wait for without end is told within a minute, and by a job that has failed of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import testcluster
from support.job_cases import job, spec, template
from support.operator.process import OperatorProcess, operator_process
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "only", "labels": {"kubernetes.io/hostname": "only"}},
}


@pytest.fixture(scope="module")
def operator(
    control_plane: testcluster.ControlPlane, kubectl: testcluster.Kubectl
) -> Iterator[OperatorProcess]:
    """One operator for all of them, and a node: without any the scheduler looks no further."""
    kubectl.apply(json.dumps(NODE))
    with operator_process(control_plane, "waiting-operator") as one:
        yield one
    kubectl("delete", "node", "only")


class Applied:
    def __init__(self, kubectl: testcluster.Kubectl, name: str, **change: Any) -> None:
        self.kubectl, self.name = kubectl, name
        kubectl.apply(json.dumps(job(spec(shards=1, **change), name)))

    def told(self, kind: str) -> str:
        """`reason: message` of a condition."""
        status = self.kubectl.get("bpj", self.name).get("status", {})
        found = {one["type"]: one for one in status.get("conditions", ())}.get(kind)
        return "" if found is None else f"{found['reason']}: {found['message']}"

    def await_told(self, kind: str, *words: str) -> None:
        def says() -> bool:
            return all(word in self.told(kind) for word in words)

        until(f"{kind} says {words}", says, seconds=60)


def test_scheduling_gates_are_told(kubectl: testcluster.Kubectl, operator: OperatorProcess) -> None:
    gates = [{"name": "example.com/budget"}]
    gated = Applied(kubectl, "gated", **template(schedulingGates=gates))
    gated.await_told("PodsStarting", "SchedulingGated: 1 pod", "example.com/budget")


def test_a_node_and_a_scheduler_that_are_not_there_are_told(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    nowhere = Applied(kubectl, "nowhere", **template(nodeName="no-such-node"))
    nobody = Applied(kubectl, "nobody", **template(schedulerName="no-such-scheduler"))
    nowhere.await_told("PodsStarting", "NodeNotFound: 1 pod", "node no-such-node")
    nobody.await_told("PodsStarting", "NotScheduled: 1 pod", "one named no-such-scheduler?")


def test_a_job_that_could_not_start_in_time_says_why_and_shows_it_in_a_column(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    claim = {"name": "data", "persistentVolumeClaim": {"claimName": "nope"}}
    timeouts = {"startSeconds": 20}
    late = Applied(kubectl, "late", timeouts=timeouts, **template(volumes=[claim]))
    nope = 'persistentvolumeclaim "nope" not found'
    late.await_told(
        "Failed", "StartDeadlineExceeded: no pod of Job late-", ": Unschedulable: ", nope
    )
    print(late.told("Failed"))
    head, row = kubectl("get", "bpj", "late", "--output=wide").splitlines()
    assert "REASON" in head
    assert "StartDeadlineExceeded" in row
