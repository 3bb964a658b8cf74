"""Somebody who suspends our Jobs each time, as Kueue does with Jobs that name no queue."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

import testcluster
from support.job_cases import SCRIPT, job, spec
from support.operator.process import operator_process
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.hostile, pytest.mark.slow]
NAME = "contested"


class FakeKueue(threading.Thread):
    """Suspends the job's worker Job whenever it is not, under Kueue's name; counts how often."""

    def __init__(self, kubeconfig: Path) -> None:
        super().__init__()
        api = config.new_client_from_config(config_file=str(kubeconfig))
        self._jobs, self._end = client.BatchV1Api(api), threading.Event()
        self.suspended = 0

    def run(self) -> None:
        while not self._end.wait(0.1):
            selector = f"batchprocess.dev/job={NAME}"
            for one in self._jobs.list_namespaced_job("default", label_selector=selector).items:
                if not one.spec.suspend:
                    name, body = one.metadata.name, {"spec": {"suspend": True}}
                    self._jobs.patch_namespaced_job(name, "default", body, field_manager="kueue")
                    self.suspended += 1

    def stop(self) -> None:
        self._end.set()
        self.join()


@contextmanager
def kueue(kubeconfig: Path) -> Iterator[FakeKueue]:
    made = FakeKueue(kubeconfig)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def condition(kubectl: testcluster.Kubectl, kind: str) -> dict[str, Any]:
    told = kubectl("get", "bpj", NAME, "--output=jsonpath={.status.conditions}")
    return {one["type"]: one for one in json.loads(told or "[]")}.get(kind, {})


def state(kubectl: testcluster.Kubectl) -> str:
    return kubectl("get", "bpj", NAME, "--output=jsonpath={.status.state}")


def test_who_suspends_a_job_each_time_is_named_and_asked_ever_more_seldom(
    kubectl: testcluster.Kubectl, control_plane: testcluster.ControlPlane
) -> None:
    with operator_process(control_plane, "contested-operator"):
        with kueue(kubectl.kubeconfig) as other:
            kubectl("create", "--filename=-", stdin=json.dumps(job(spec(**SCRIPT), NAME)))
            until("it is told", lambda: condition(kubectl, "Stalled") != {})
            until("it was resumed some times", lambda: other.suspended == 5)
            told = condition(kubectl, "Stalled")
            assert told["reason"] == "ChangesUndone"
            assert 'is set back each time by "kueue"' in told["message"]
            until("it is suspended again", lambda: state(kubectl) == "Suspended")
        until("it goes on", lambda: state(kubectl) == "Pending")
        kubectl("delete", "bpj", NAME)
