"""A CRD of a newer release, applied under an operator that does not know its fields."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

import testcluster
from support.job_cases import job, spec
from support.operator.process import OperatorProcess, operator_process
from testcluster.machine.waiting import until
from testcluster.tools import ROOT

pytestmark = pytest.mark.slow
CRD = ROOT / "crds" / "batchprocess.dev_batchprocessjobs.yaml"
COLOUR = {"type": "string", "default": "blue"}
ANNOUNCE = {
    "type": "object",
    "default": {},
    "properties": {"level": {"type": "integer", "format": "int32", "default": 3}},
}
NICENESS = {"type": "integer", "format": "int32", "default": 0}


@pytest.fixture(scope="module")
def operator(
    control_plane: testcluster.ControlPlane, kubectl: testcluster.Kubectl
) -> Iterator[OperatorProcess]:
    """One that was started before."""
    with operator_process(control_plane, "older-operator") as one:
        yield one


@pytest.fixture
def newer_crd(kubectl: testcluster.Kubectl) -> Iterator[Callable[[], None]]:
    """Applies one with three fields more, each with a default; it is put back afterwards."""
    crd = yaml.safe_load(CRD.read_text())
    (version,) = crd["spec"]["versions"]
    fields = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    fields |= {"colour": COLOUR, "announce": ANNOUNCE}
    fields["worker"]["properties"]["niceness"] = NICENESS

    def apply() -> None:
        kubectl("apply", "--filename=-", stdin=json.dumps(crd))
        until("the new fields are served", lambda: "colour" in kubectl("explain", "bpj.spec"))

    yield apply
    kubectl("apply", f"--filename={CRD}")
    until("they are served no more", lambda: "colour" not in kubectl("explain", "bpj.spec"))


class Applied:
    """A job that was applied."""

    def __init__(self, kubectl: testcluster.Kubectl, name: str, **change: Any) -> None:
        self.kubectl, self.name = kubectl, name
        kubectl("create", "--filename=-", stdin=json.dumps(job(spec(**change), name)))

    def get(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", "bpj", self.name, "--output=json"))
        return found

    def condition(self, kind: str) -> dict[str, Any]:
        told = self.get().get("status", {}).get("conditions", ())
        return {one["type"]: one for one in told}.get(kind, {})

    def touched(self, kind: str) -> dict[str, Any]:
        """The condition, after a change that means nothing."""
        at = f"example.org/at={time.monotonic()}"
        self.kubectl("annotate", "--overwrite", "bpj", self.name, at)
        return self.condition(kind)

    def child(self) -> dict[str, Any] | None:
        label = f"--selector=batchprocess.dev/job={self.name}"
        found = json.loads(self.kubectl("get", "jobs", label, "--output=json"))["items"]
        return found[0]["spec"] if found else None

    def patch(self, **changed: Any) -> None:
        body = json.dumps({"spec": changed})
        self.kubectl("patch", "bpj", self.name, "--type=merge", f"--patch={body}")


def test_what_runs_goes_on_what_is_as_it_was_begins_and_what_is_meant_waits(
    newer_crd: Callable[[], None], kubectl: testcluster.Kubectl, operator: OperatorProcess
) -> None:
    running = Applied(kubectl, "begun-before", parallelism=2)
    until("it has its worker Job", lambda: running.child() is not None)
    newer_crd()
    assert running.get()["spec"]["announce"] == {"level": 3}
    running.patch(parallelism=3)
    until("its worker Job follows", lambda: (running.child() or {})["parallelism"] == 3)
    # What a watch from before tells, until the API server ends it, has no new fields: then they
    # are seen with the next change, or when all is listed anew.
    until("it is told", lambda: running.touched("UnknownFields").get("status") == "True", pause=1)
    # A schema that was asked for before the API server had made a new one is good for 30 s.
    until(
        "they are known to mean nothing",
        lambda: "goes on as if" in running.condition("UnknownFields")["message"],
    )
    names = "spec.announce, spec.colour, spec.worker.niceness"
    assert names in running.condition("UnknownFields")["message"]
    running.patch(suspend=True, timeouts={"activeDeadlineSeconds": 900})
    until("it is suspended", lambda: (running.child() or {}).get("suspend") is True)
    assert (running.child() or {})["activeDeadlineSeconds"] == 900

    plain = Applied(kubectl, "begun-after")
    until("a new one of defaults begins", lambda: plain.child() is not None)
    bright = Applied(kubectl, "bright", colour="red")
    until("it waits", lambda: bright.condition("Stalled").get("reason") == "InvalidSpec")
    assert 'spec.colour is "red"' in bright.condition("Stalled")["message"]
    assert bright.child() is None
    events = kubectl("get", "events", "--field-selector=reason=NewerCRD", "--output=name")
    # Jobs of tests before are told, too.
    told = {one.removeprefix("event/").rpartition(".")[0] for one in events.split()}
    assert {running.name, plain.name, bright.name} <= told, events
    assert len(told) == len(events.split()), events


def test_an_operator_of_one_namespace_may_read_the_defaults(
    newer_crd: Callable[[], None],
    kubectl: testcluster.Kubectl,
    control_plane: testcluster.ControlPlane,
) -> None:
    """They are part of what every account may discover, so that no right is added."""
    account = control_plane.client("reads-nothing", "reads-nothing", "nobody")
    newer_crd()
    path = "--raw=/openapi/v3/apis/batchprocess.dev/v1alpha1"
    text = kubectl("get", path, f"--kubeconfig={account}")
    assert COLOUR["default"] in text
    assert "batchprocessjobs" in text
