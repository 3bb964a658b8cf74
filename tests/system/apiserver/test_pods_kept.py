"""A sidecar that a webhook adds keeps pods from ending: told within a minute. Pods have no node."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import testcluster
from support.job_cases import job, spec
from support.operator.objects import ended
from support.operator.objects import result as finalized
from support.operator.process import OperatorProcess, operator_process
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow
REASON = "PodKeptBySidecar"


@pytest.fixture(scope="module")
def operator(
    control_plane: testcluster.ControlPlane, kubectl: testcluster.Kubectl
) -> Iterator[OperatorProcess]:
    """One operator for all of them."""
    with operator_process(control_plane, "sidecar-operator") as one:
        yield one


class Applied:
    """A job of two shards whose pods' statuses are written here, by the clock of here."""

    def __init__(self, kubectl: testcluster.Kubectl, name: str) -> None:
        self.kubectl, self.name = kubectl, name
        kubectl.apply(json.dumps(job(spec(shards=2, parallelism=2), name)))

    def pod(self, role: str, index: int = 0) -> str:
        """The name of the pod that the Job controller has made."""
        found: list[str] = []

        def made() -> bool:
            labels = f"batchprocess.dev/job={self.name},batchprocess.dev/role={role}"
            found[:] = self.kubectl.names("pods", selector=labels)
            return len(found) > index

        until(f"{self.name} has its {role} pod {index}", made)
        return found[index]

    def end(self, pod: str, phase: str, said: str, code: int = 0) -> None:
        """Our container ends now; in phase Running a container istio-proxy does not."""
        now = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
        over = {"exitCode": code, "startedAt": now, "finishedAt": now, "message": said}
        states: dict[str, Any] = {"worker": {"terminated": over}}
        if phase == "Running":
            states["istio-proxy"] = {"running": {"startedAt": now}}
        usual = {"ready": False, "restartCount": 0, "image": "a:1", "imageID": ""}
        found = [{"name": name, "state": state, **usual} for name, state in states.items()]
        status = {"status": {"phase": phase, "containerStatuses": found}}
        patch = json.dumps(status)
        self.kubectl("patch", "pod", pod, "--subresource=status", "--type=merge", "--patch", patch)

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kubectl.get("bpj", self.name).get("status", {})
        return found

    def progressing(self) -> tuple[str, str]:
        found = {one["type"]: one for one in self.status.get("conditions", ())}
        one = found.get("Progressing", {"reason": "", "message": ""})
        return one["reason"], one["message"]

    def events(self) -> list[str]:
        """Messages of the events about it that tell of a sidecar."""
        about = f"involvedObject.kind=BatchProcessJob,involvedObject.name={self.name}"
        listed = self.kubectl("get", "events", f"--field-selector={about}", "--output=json")
        return [one["message"] for one in json.loads(listed)["items"] if one["reason"] == REASON]

    def await_told(self, pod: str) -> None:
        began = time.monotonic()
        until("it is told", lambda: self.progressing()[0] == REASON, seconds=60)
        print(f"{self.name}: told after {time.monotonic() - began:.0f} s")
        assert f"pod {pod} does not end" in self.progressing()[1]
        assert "istio-proxy has not" in self.progressing()[1]
        until("its event is there", lambda: bool(self.events()))
        assert len(self.events()) == 1


def test_a_worker_that_is_done_beside_a_sidecar_is_told_and_its_shard_counts(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    done = Applied(kubectl, "kept")
    pod = done.pod("worker")
    done.end(pod, "Running", ended().encode().decode())
    done.await_told(pod)
    assert done.status["shards"]["succeeded"] == 1
    assert done.status["sealedShards"] == "", "Kubernetes has not counted it"


def test_a_worker_that_failed_beside_a_sidecar_is_told(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    failed = Applied(kubectl, "kept-failed")
    pod = failed.pod("worker")
    failed.end(pod, "Running", ended(code=90, message="KeyError: 'a'").encode().decode(), code=90)
    failed.await_told(pod)
    assert "ended with exit code 90" in failed.progressing()[1]


def test_a_finalizer_that_is_done_beside_a_sidecar_is_told(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    sealed = Applied(kubectl, "kept-finalizer")
    for index in range(2):
        sealed.end(sealed.pod("worker", index), "Succeeded", ended().encode().decode())
    pod = sealed.pod("finalizer")
    sealed.end(pod, "Running", finalized().encode().decode())
    sealed.await_told(pod)
    assert sealed.status["state"] == "Finalizing"
    sealed.end(pod, "Succeeded", finalized().encode().decode())
    until("it is complete", lambda: sealed.status["state"] == "Complete")
