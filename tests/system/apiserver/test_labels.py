"""Labels that somebody takes away from our Jobs, and gives back, on a real API server."""

import json
from typing import Any

import pytest

import testcluster
from batchprocess.kube.names import LABEL_JOB_UID
from support.job_cases import SCRIPT, job, spec
from support.operator.process import operator_process
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow
NAME = "labelled"


def found(kubectl: testcluster.Kubectl) -> dict[str, Any]:
    """The worker Job."""
    (one,) = kubectl.objects("jobs", selector=f"batchprocess.dev/job={NAME}")
    return one


def conditions(kubectl: testcluster.Kubectl) -> dict[str, str]:
    told = kubectl("get", "bpj", NAME, "--output=jsonpath={.status.conditions}")
    return {one["type"]: one["message"] for one in json.loads(told or "[]")}


def told(kubectl: testcluster.Kubectl) -> str:
    return conditions(kubectl).get("NameConflict", "")


def test_a_label_that_is_taken_away_is_told_and_once_it_is_back_all_goes_on(
    kubectl: testcluster.Kubectl, control_plane: testcluster.ControlPlane
) -> None:
    with operator_process(control_plane, "labels-operator"):
        kubectl("create", "--filename=-", stdin=json.dumps(job(spec(**SCRIPT), NAME)))
        until("it is told", lambda: "Running" in conditions(kubectl))
        meta = found(kubectl)["metadata"]
        kubectl("label", "job", meta["name"], f"{LABEL_JOB_UID}-")
        until(
            "that is told",
            lambda: "labels were changed" in conditions(kubectl).get("NameConflict", ""),
        )
        kubectl("label", "job", meta["name"], f"{LABEL_JOB_UID}={meta['labels'][LABEL_JOB_UID]}")
        kubectl("scale", "bpj", NAME, "--replicas=7")
        until("it is worked on", lambda: found(kubectl)["spec"]["parallelism"] == 7)
        until("that is over", lambda: told(kubectl) == "")
        kubectl("delete", "bpj", NAME)
