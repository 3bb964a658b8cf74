"""The finalizer Job on a real API server: judged first, changed later, ended in time.

Pods have no node: what they do is written here into their statuses.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import testcluster
from support.job_cases import job, spec
from support.operator.objects import ended
from support.operator.objects import result as finalized
from support.operator.process import OperatorProcess, operator_process
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow

ENGINE = {"name": "engine", "image": "e:1", "restartPolicy": "Always"} | {
    "resources": {"limits": {"nvidia.com/gpu": "1"}}
}
PROXY = {"name": "proxy", "image": "p:1", "restartPolicy": "Always"} | {
    "volumeMounts": [{"name": "sockets", "mountPath": "/sockets"}]
}
WORKERS = {"gpus": 1} | {
    "template": {
        "spec": {
            "initContainers": [ENGINE, PROXY],
            "volumes": [{"name": "sockets", "emptyDir": {}}, {"name": "weights", "emptyDir": {}}],
            "nodeSelector": {"pool": "gpu"},
            "schedulingGates": [{"name": "example.org/wait"}],
        }
    }
}


@pytest.fixture(scope="module")
def operator(
    control_plane: testcluster.ControlPlane, kubectl: testcluster.Kubectl
) -> Iterator[OperatorProcess]:
    """One operator for all of them."""
    with operator_process(control_plane, "finalizer-operator") as one:
        yield one


class Applied:
    """A job of one shard."""

    def __init__(self, kubectl: testcluster.Kubectl, name: str, **finalizer: Any) -> None:
        self.kubectl, self.name = kubectl, name
        kubectl.apply(json.dumps(job(spec(worker=WORKERS, finalizer=finalizer), name)))

    def children(self, role: str, kind: str = "jobs") -> list[dict[str, Any]]:
        labels = f"batchprocess.dev/job={self.name},batchprocess.dev/role={role}"
        listed = self.kubectl("get", kind, f"--selector={labels}", "--output=json")
        found: list[dict[str, Any]] = json.loads(listed)["items"]
        return found

    def pods(self, role: str) -> list[str]:
        """Names of the pods of its Jobs that are there now."""
        jobs = {one["metadata"]["uid"] for one in self.children(role)}
        return [
            one["metadata"]["name"]
            for one in self.children(role, "pods")
            if one["metadata"]["ownerReferences"][0]["uid"] in jobs
        ]

    def pod(self, role: str) -> str:
        """Name of its pod, once it is made."""
        until(f"{self.name} has its {role} pod", lambda: bool(self.pods(role)))
        return self.pods(role)[0]

    def finish(self, role: str, said: str) -> None:
        """Its pod ends well."""
        over = {"exitCode": 0, "message": said}
        usual = {"ready": False, "restartCount": 0, "image": "a:1", "imageID": ""}
        worker = {"name": "worker", "state": {"terminated": over}, **usual}
        patch = json.dumps({"status": {"phase": "Succeeded", "containerStatuses": [worker]}})
        self.kubectl("patch", "pod", self.pod(role), "--subresource=status", "-p", patch)

    def change(self, **changed: Any) -> None:
        patch = json.dumps({"spec": changed})
        self.kubectl("patch", "bpj", self.name, "--type=merge", f"--patch={patch}")

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kubectl.get("bpj", self.name).get("status", {})
        return found

    def condition(self, kind: str) -> dict[str, Any]:
        return {one["type"]: one for one in self.status.get("conditions", ())}.get(kind, {})

    def await_condition(self, kind: str, reason: str) -> str:
        until(f"{self.name}: {reason}", lambda: self.condition(kind).get("reason") == reason)
        return str(self.condition(kind)["message"])


def test_one_that_would_be_refused_is_told_before_a_worker_is_made_and_can_be_mended(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    # Its proxy mounts a volume that it does not have.
    refused = Applied(kubectl, "refused-finalizer", template={"spec": {"volumes": []}})
    message = refused.await_condition("Failed", "JobRejected")
    assert message.startswith("the finalizer Job, which is made at the end, would be refused")
    assert "initContainers[0].volumeMounts[0].name" in message
    assert refused.children("worker") == []
    refused.change(finalizer=None, retry=1)
    until("its worker Job is made", lambda: bool(refused.children("worker")))


def test_a_change_that_would_be_refused_is_told_while_workers_are_at_work(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    wrong = Applied(kubectl, "wrong-finalizer")
    wrong.pod("worker")
    wrong.change(finalizer={"template": {"spec": {"volumes": []}}})
    message = wrong.await_condition("Stalled", "JobRejected")
    assert "initContainers[0].volumeMounts[0].name" in message
    assert wrong.condition("Failed") == {}
    wrong.change(finalizer={"template": {"spec": {"volumes": None, "schedulerName": "mine"}}})
    until("it is told no more", lambda: wrong.condition("Stalled") == {})
    wrong.finish("worker", ended().encode().decode())
    assert wrong.pod("finalizer")
    (made,) = wrong.children("finalizer")
    assert made["spec"]["template"]["spec"]["schedulerName"] == "mine"


def test_one_that_is_at_work_is_replaced_by_what_the_job_asks_for_now(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    changed = Applied(kubectl, "changed-finalizer", resources={"requests": {"memory": "900Gi"}})
    changed.finish("worker", ended().encode().decode())
    changed.pod("finalizer")
    (before,) = changed.children("finalizer")
    pod = before["spec"]["template"]["spec"]
    assert [one["name"] for one in pod["initContainers"]] == ["proxy"]
    names = [one["name"] for one in pod["volumes"]]
    assert (names[0], "weights" in names) == ("sockets", False)
    assert not pod.keys() & {"nodeSelector", "schedulingGates", "affinity"}
    until("it is told", lambda: changed.condition("PodsStarting").get("status") == "False")

    changed.change(finalizer={"resources": None, "template": {"spec": {"schedulerName": "mine"}}})

    def replaced() -> bool:
        found = changed.children("finalizer")
        return bool(found) and found[0]["metadata"]["uid"] != before["metadata"]["uid"]

    until("it is replaced", replaced)
    (after,) = changed.children("finalizer")
    made = after["spec"]["template"]["spec"]
    assert made["schedulerName"] == "mine"
    assert made["containers"][0]["resources"]["requests"]["memory"] == "4Gi"
    changed.finish("finalizer", finalized().encode().decode())
    until("it is complete", lambda: changed.status["state"] == "Complete")


def test_one_that_finds_no_node_ends_in_time_and_says_why_and_a_retry_finishes_the_run(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    late = Applied(kubectl, "late-finalizer", resources={"requests": {"memory": "900Gi"}})
    late.finish("worker", ended().encode().decode())
    late.await_condition("PodsStarting", "Unschedulable")
    (found,) = late.children("finalizer")
    assert found["spec"]["activeDeadlineSeconds"] == 86_400
    late.change(finalizer={"activeDeadlineSeconds": 2})
    message = late.await_condition("Failed", "FinalizerDeadlineExceeded")
    assert "Unschedulable" in message
    assert "had not ended 2 s after it began (spec.finalizer.activeDeadlineSeconds)" in message
    late.change(finalizer=None, retry=1)
    until("another is made", lambda: len(late.children("finalizer")) == 2)
    assert len(late.children("worker")) == 1, "no shard is worked on again"
