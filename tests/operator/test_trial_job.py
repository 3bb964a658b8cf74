"""The job of `helm test`: created once, waited for, and told where it does not end well."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from batchprocess_operator.kube.errors import Denied
from batchprocess_operator.trial_job import Trial, run_trial
from support.operator.fake_api import FakeApi, FakeServer, Fault
from support.operator.virtual_time import run_virtually

JOB = {
    "apiVersion": "batchprocess.dev/v1alpha1",
    "kind": "BatchProcessJob",
    "metadata": {"name": "bp-test", "namespace": "team"},
    "spec": {"shards": 2},
}
PATH = "/apis/batchprocess.dev/v1alpha1/namespaces/team/batchprocessjobs"
NAME = f"{PATH}/bp-test-1234abcd"
TRIAL = Trial(JOB, 60, "bp-test", "1234abcd-aaaa")


class Told(list[str]):
    """Lines; the server is changed after some of them."""

    def __init__(self, server: FakeServer, *statuses: dict[str, Any]) -> None:
        super().__init__()
        self._server, self._statuses = server, list(statuses)

    def __call__(self, line: str) -> None:
        self.append(line)
        if self._statuses and NAME in self._server.objects:
            self._server.change(f"{NAME}/status", {"status": self._statuses.pop(0)})


def ran(server: FakeServer, say: Callable[[str], None]) -> bool:
    return run_virtually(run_trial(TRIAL, FakeApi(server), say))


def test_a_job_is_created_that_belongs_to_the_pod_and_waited_for() -> None:
    server = FakeServer()
    running, complete = {"state": "Running", "display": {"shards": "1/2"}}, {"state": "Complete"}
    told = Told(server, running, complete)
    assert ran(server, told)
    assert told == [
        "job team/bp-test-1234abcd: no operator has looked at it yet",
        "job team/bp-test-1234abcd: Running, shards 1/2",
        "job team/bp-test-1234abcd: Complete, shards 1/2",
    ]
    (owner,) = server.get(NAME)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Pod", "1234abcd-aaaa")
    assert server.get(NAME)["spec"] == {"shards": 2}


def test_a_job_that_fails_is_told_with_its_conditions() -> None:
    server = FakeServer()
    condition = {"type": "Failed", "status": "True", "reason": "CannotWork", "message": "no torch"}
    told = Told(server, {"state": "Failed", "conditions": [condition]})
    assert not ran(server, told)
    assert told[-1] == "  Failed is True: CannotWork no torch"


def test_a_job_that_nobody_looks_at_ends_the_trial_in_time() -> None:
    server, told = FakeServer(), list[str]()
    assert not ran(server, told.append)
    assert told[-1] == "job team/bp-test-1234abcd is not Complete, after at most 60 s"
    assert len(server.requests) < 60


@pytest.mark.parametrize("fault", ["before", "after"])
def test_an_answer_that_is_lost_makes_no_second_job(fault: Fault) -> None:
    server = FakeServer(faults={0: fault, 3: fault})
    complete = {"state": "Complete"}
    told = Told(server, {"state": "Running"}, complete, complete)
    assert ran(server, told)
    assert len(server.created) == 1


def test_a_job_that_may_not_be_created_is_an_error_at_once() -> None:
    with pytest.raises(Denied):
        ran(FakeServer(faults={0: "denied"}), lambda _: None)


def test_the_pod_says_what_to_run() -> None:
    told = {"JOB": json.dumps(JOB), "SECONDS": "60", "POD_NAME": "bp-test"}
    environ = {f"BATCHPROCESS_OPERATOR_TRIAL_{name}": value for name, value in told.items()}
    environ["BATCHPROCESS_OPERATOR_TRIAL_POD_UID"] = "1234abcd-aaaa"
    assert Trial.from_env(environ) == TRIAL
