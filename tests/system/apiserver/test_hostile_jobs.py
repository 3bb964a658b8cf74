"""Jobs that are made to harm: only they feel it, and what is wrong with them stands in them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import testcluster
from batchprocess_operator.kube.deep_json import MAX_LEVELS
from support.job_cases import SCRIPT, job, spec
from support.operator.process import OperatorProcess, operator_process
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.hostile, pytest.mark.slow]


@pytest.fixture(scope="module")
def operator(
    control_plane: testcluster.ControlPlane, kubectl: testcluster.Kubectl
) -> Iterator[OperatorProcess]:
    """One operator for all of them."""
    with operator_process(control_plane, "hostile-jobs-operator") as one:
        yield one


class Applied:
    """A job that was applied with this text for its hparams."""

    def __init__(self, kubectl: testcluster.Kubectl, name: str, **change: Any) -> None:
        self.kubectl, self.name = kubectl, name
        hparams = change.pop("text", None)
        body = json.dumps(job(spec(**change, hparams={"a": 0}), name))
        made = body if hparams is None else body.replace('{"a": 0}', hparams)
        kubectl("create", "--filename=-", stdin=made)  # an annotation of `apply` has less room

    def condition(self, kind: str) -> dict[str, Any]:
        # Not the whole object: we have no room for what is nested in it.
        told = self.kubectl("get", "bpj", self.name, "--output=jsonpath={.status.conditions}")
        return {one["type"]: one for one in json.loads(told or "[]")}.get(kind, {})

    def is_created(self) -> bool:
        listed = self.kubectl("get", "jobs", f"--selector=batchprocess.dev/job={self.name}")
        return self.name in listed


def nested(levels: int) -> str:
    return '{"a": ' + "[" * levels + "]" * levels + "}"


@pytest.mark.parametrize("levels", [200, 300, 900, 1_500, MAX_LEVELS - 10])
def test_a_job_nested_deep_is_told_so_and_the_next_one_runs(
    levels: int, kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    deep = Applied(kubectl, f"deep-{levels}", text=nested(levels))
    until("it is told", lambda: deep.condition("Failed").get("reason") == "InvalidSpec")
    assert "nested too deep" in deep.condition("Failed")["message"]
    ordinary = Applied(kubectl, f"beside-deep-{levels}")
    until("an ordinary job has its Job", ordinary.is_created)


def test_an_operator_that_begins_among_jobs_nested_deep_works(
    kubectl: testcluster.Kubectl, control_plane: testcluster.ControlPlane
) -> None:
    Applied(kubectl, "deep-before", text=nested(MAX_LEVELS - 10))
    with operator_process(control_plane, "late-operator"):
        ordinary = Applied(kubectl, "beside-deep-before")
        until("an ordinary job has its Job", ordinary.is_created)


def test_hparams_larger_than_a_variable_are_told_at_once(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    large = Applied(kubectl, "large", text='{"a": "' + "x" * 1_000_000 + '"}')
    until("it is told", lambda: large.condition("Failed").get("reason") == "InvalidSpec")
    assert "1000008 bytes as JSON and may have 102400" in large.condition("Failed")["message"]


def test_a_message_that_echoes_a_megabyte_of_a_webhooks_words_is_cut_and_told(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    profile = {"seccompProfile": {"type": "admission webhook " * 10_000}}
    template = {"spec": {"securityContext": profile}}
    echoing = Applied(kubectl, "echoing", worker={"template": template})
    until("it is told", lambda: echoing.condition("Failed").get("reason") == "JobRejected")
    assert len(echoing.condition("Failed")["message"]) <= 1_024
    assert max(map(len, operator.log.splitlines())) <= 4_096


def test_a_spec_larger_than_is_kept_is_told(
    kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    large = Applied(kubectl, "bulky", **SCRIPT | {"command": ["x" * 32_000] * 20})
    until("it is told", lambda: large.condition("Stalled").get("reason") == "InvalidSpec")
    assert "may have 262144" in large.condition("Stalled")["message"]


RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: few-rights}
rules:
  - {apiGroups: [batchprocess.dev], resources: ["*"], verbs: ["*"]}
  - {apiGroups: [batch], resources: [jobs], verbs: ["*"]}
  - {apiGroups: [""], resources: [pods, events], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: few-rights, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: few-rights}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: few-rights}]
"""


def test_a_watched_namespace_that_is_forbidden_or_gone_does_not_stop_the_others(
    kubectl: testcluster.Kubectl, control_plane: testcluster.ControlPlane
) -> None:
    kubectl.apply(RIGHTS)
    watched = {"NAMESPACES": "gone,default"}
    with operator_process(control_plane, "few-rights", "nobody", **watched) as one:
        ordinary = Applied(kubectl, "beside-a-namespace-that-is-gone")
        until("an ordinary job has its Job", ordinary.is_created)
        assert "namespaces/gone/batchprocessjobs cannot be listed, the others go on" in one.log
