"""Operators killed, doubled and cut off on a real control plane, whose pods kwok plays."""

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batchprocess.kube.names import LABEL_JOB
from benchmarks.operator_bench import objects
from benchmarks.operator_bench.audit import writes_of
from benchmarks.operator_bench.stages import BATCH_SIZE, BATCHES, Play
from benchmarks.operator_bench.world import World, world
from testcluster import ClusterError

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
JOBS, SHARDS, KILLS = 20, 8, 30


@pytest.fixture
def here() -> Iterator[World]:
    with world(Play(SHARDS, worker_seconds=12)) as here:
        yield here


def _jobs(here: World) -> dict[str, dict[str, Any]]:
    listed = json.loads(here.plane.kubectl("get", "batchprocessjobs", "--output=json"))
    return {one["metadata"]["name"]: one.get("status", {}) for one in listed["items"]}


def _apply(here: World) -> None:
    bodies = [objects.job(f"job-{number}", SHARDS, 1) for number in range(JOBS)]
    here.plane.kubectl.apply("\n---\n".join(map(json.dumps, bodies)))


class Progress:
    """What jobs have told so far; it may only grow."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, int, int]] = {}

    def look(self, here: World) -> bool:
        """Whether all jobs are complete."""
        jobs = _jobs(here)
        for name, status in jobs.items():
            shards, batches = status.get("shards", {}), status.get("batches", {})
            now = (shards.get("succeeded", 0), batches.get("done", 0), status.get("attempts", 0))
            before = self._told.get(name, (0, 0, 0))
            assert all(new >= old for new, old in zip(now, before, strict=True)), (before, now)
            self._told[name] = now
        assert "Failed" not in {status.get("state") for status in jobs.values()}
        return len(jobs) == JOBS and all(one.get("state") == "Complete" for one in jobs.values())


def _finish(here: World, progress: Progress) -> None:
    deadline = time.monotonic() + 300
    while not progress.look(here):
        assert time.monotonic() < deadline, _jobs(here)
        time.sleep(1)


def _assert_as_undisturbed(here: World) -> None:
    for name, status in _jobs(here).items():
        assert status["rows"] == SHARDS * BATCHES * BATCH_SIZE, name
        assert status["attempts"] == SHARDS, name
        assert status["sealedShards"] == f"0-{SHARDS - 1}", name
    listed = json.loads(here.plane.kubectl("get", "jobs", "--output=json"))["items"]
    owners = [one["metadata"]["labels"][LABEL_JOB] for one in listed]
    assert sorted(owners) == sorted([f"job-{number}" for number in range(JOBS)] * 2)
    made = [one for one in writes_of(here.audit_log) if one.kind == "create jobs"]
    assert sum(not one.failed for one in made) == 2 * JOBS, "a child was made twice"


def test_thirty_kills_of_the_operator_change_nothing_for_twenty_jobs(here: World) -> None:
    operator, chance, progress = here.operator(), random.Random(7), Progress()
    _apply(here)
    for number in range(KILLS):
        time.sleep(chance.uniform(0, 2))
        operator.kill()
        done = progress.look(here)
        assert not done, f"all jobs were done after {number} kills: they must last longer"
    _finish(here, progress)
    _assert_as_undisturbed(here)


def test_two_operators_at_once_and_an_api_server_that_restarts_change_nothing(here: World) -> None:
    operators = [here.operator(), here.operator("replica")]
    chance, progress = random.Random(8), Progress()
    _apply(here)
    for _ in range(4):
        time.sleep(chance.uniform(2, 6))
        here.plane.programs.restart("kube-apiserver")
        operators[chance.randrange(2)].kill()
        progress.look(here)
    _finish(here, progress)
    _assert_as_undisturbed(here)


def test_a_quota_that_is_too_small_is_told_and_heals_without_a_hand(here: World) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/jobs.batch": "0"}},
    }
    here.plane.kubectl.apply(json.dumps(quota))
    _until(lambda: "none" in here.plane.kubectl.names("resourcequotas"))
    here.operator()
    here.plane.kubectl.apply(json.dumps(objects.job("poor", SHARDS, SHARDS)))
    _until(lambda: "quota" in json.dumps(_jobs(here)["poor"].get("conditions", "")))
    here.plane.kubectl("delete", "resourcequota", "none")
    _until(lambda: _jobs(here)["poor"].get("state") == "Complete", seconds=120)


def test_a_policy_that_denies_the_job_is_told_and_heals_without_a_hand(here: World) -> None:
    kubectl = here.plane.kubectl
    kubectl.apply(json.dumps(_POLICY))
    kubectl.apply(json.dumps(_BINDING))
    _until(lambda: _is_denied(here))
    here.operator()
    kubectl.apply(json.dumps(objects.job("poor", SHARDS, SHARDS)))
    _until(lambda: "no jobs today" in json.dumps(_jobs(here)["poor"].get("conditions", "")))
    kubectl("delete", "validatingadmissionpolicybinding", "closed")
    _until(lambda: _jobs(here)["poor"].get("state") == "Complete", seconds=120)


_POLICY: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "closed"},
    "spec": {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["batch"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["jobs"],
                }
            ]
        },
        "validations": [{"expression": "false", "message": "no jobs today"}],
    },
}
_BINDING: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "closed"},
    "spec": {"policyName": "closed", "validationActions": ["Deny"]},
}


def _is_denied(here: World) -> bool:
    """Policies take a moment to be known."""
    try:
        here.plane.kubectl("create", "job", "tried", "--image=none", "--dry-run=server")
    except ClusterError as error:
        return "no jobs today" in str(error)
    return False


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.5)
