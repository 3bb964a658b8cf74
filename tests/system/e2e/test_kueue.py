"""Real Kueue over real workers: what a job has written does not show that it was preempted."""

from collections.abc import Iterator
from typing import Any

import pytest

import testcluster
from support.e2e.checks import assert_exactly_once, claims, ledgers, watched
from support.e2e.jobs import PLAIN, disturbed
from support.e2e.world import World
from support.kube.kueue import ELASTIC, kueue
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
WORKLOADS = "workloads.kueue.x-k8s.io"
# Workers of a job ask for 600m, so a second job has no room; a finalizer, with 10m, always has.
QUEUES = """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: default}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: one-job}
spec:
  namespaceSelector: {}
  preemption: {withinClusterQueue: LowerPriority}
  resourceGroups:
    - coveredResources: [cpu, memory, ephemeral-storage]
      flavors:
        - name: default
          resources:
            - {name: cpu, nominalQuota: 1}
            - {name: memory, nominalQuota: 64Gi}
            - {name: ephemeral-storage, nominalQuota: 500Gi}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: one-job, namespace: e2e}
spec: {clusterQueue: one-job}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: hurried}
value: 100
"""
QUEUED = {"queueName": "one-job", "shards": 4, "parallelism": 2}


@pytest.fixture
def queue(
    request: pytest.FixtureRequest, world: World, cluster: testcluster.Cluster
) -> Iterator[None]:
    """Kueue with the gates that the test names."""
    with kueue(cluster.plane, *request.param):
        world.kubectl.apply(QUEUES)
        yield


def _hurried(world: World, name: str) -> dict[str, Any]:
    """A short job that others have to make room for."""
    worker = {"template": world.template(priorityClassName="hurried")}
    return world.job(name, worker=worker, maxBatches=2, **QUEUED, **PLAIN)


def _becomes(world: World, name: str, state: str) -> dict[str, Any]:
    return world.wait(name, lambda status: status.get("state") == state)


def _workloads(world: World, name: str) -> dict[str, dict[str, Any]]:
    """Kueue's objects of a job's two children: the name of the child, and the status."""
    found = world.kubectl.objects(WORKLOADS, world.namespace)
    owned = {one["metadata"]["ownerReferences"][0]["name"]: one["status"] for one in found}
    return {child: status for child, status in owned.items() if child.startswith(f"{name}-")}


def _holds(status: dict[str, Any], kind: str) -> bool:
    return any(one["type"] == kind and one["status"] == "True" for one in status["conditions"])


def _at_work(status: dict[str, Any]) -> bool:
    """Each of the two workers is in the middle of its first shard."""
    return bool(status.get("batches", {}).get("done", 0) >= 4 and status["shards"]["running"] == 2)


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("queue", [()], indirect=True, ids=["as it is"])
def test_a_job_that_is_preempted_amid_its_shards_ends_as_if_it_had_not_been(
    world: World, expected: list[dict[str, int]]
) -> None:
    world.apply(disturbed(world, "patient", **QUEUED))
    with watched(world, "patient") as seen:
        world.wait("patient", _at_work)
        world.apply(world.job("second", maxBatches=1, **QUEUED, **PLAIN))
        _becomes(world, "second", "Queued")
        assert world.status("patient")["shards"]["succeeded"] == 0
        world.apply(_hurried(world, "hurried"))
        stopped = _becomes(world, "patient", "Queued")
        _becomes(world, "hurried", "Running")
        assert world.running("patient") == world.running("second") == []
        assert stopped["shards"]["succeeded"] == 0
        assert _becomes(world, "hurried", "Complete")["rows"] == 4 * 2 * 32
        status = world.wait("patient")
    assert status["state"] == "Complete", status
    assert_exactly_once(status["outputURI"], world, expected)
    seen.assert_never_backwards()
    _went_on_where_they_were(status["outputURI"], world)
    assert _becomes(world, "second", "Complete")["rows"] == 4 * 32
    _both_children_were_admitted(world)


def _went_on_where_they_were(uri: str, world: World) -> None:
    """Two shards were begun twice, the second time not at their beginning; nothing failed."""
    begun = [claim.cursor for claim in claims(uri, world)]
    assert len(begun) == 6, begun
    assert sum(cursor > 0 for cursor in begun) == 2, begun
    assert {ledger.outcome for ledger in ledgers(uri, world)} == {"complete"}


def _both_children_were_admitted(world: World) -> None:
    for name in ("patient", "second", "hurried"):
        workers, finalizer = sorted(_workloads(world, name))
        assert finalizer == f"{workers}-fin"
        for status in _workloads(world, name).values():
            assert status["admission"]["clusterQueue"] == "one-job"
            assert _holds(status, "Finished")


def _run(world: World, name: str, count: int) -> set[str]:
    """Wait until so many workers run; their UIDs."""
    until(f"{count} of {name}", lambda: len(world.running(name)) == count, seconds=90)
    return {pod["metadata"]["uid"] for pod in world.running(name)}


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("queue", [(ELASTIC,)], indirect=True, ids=["elastic"])
def test_a_job_that_grows_shrinks_and_is_preempted_ends_as_if_it_had_not(
    world: World, expected: list[dict[str, int]]
) -> None:
    scale = ("scale", "bpj", "stretched", "--namespace", world.namespace)
    spec = QUEUED | {"shards": 6, "parallelism": 1, "elastic": True}
    world.apply(disturbed(world, "stretched", hparams={"seconds": 2}, **spec))
    with watched(world, "stretched") as seen:
        first = _run(world, "stretched", 1)
        world.kubectl(*scale, "--replicas=3")
        assert first <= _run(world, "stretched", 3), "who ran was stopped"
        world.wait("stretched", lambda status: status["shards"]["running"] == 3)
        world.kubectl(*scale, "--replicas=2")
        _run(world, "stretched", 2)
        world.wait("stretched", _at_work)
        world.apply(_hurried(world, "rushed"))
        _becomes(world, "stretched", "Queued")
        _becomes(world, "rushed", "Complete")
        _run(world, "stretched", 2)
        status = world.wait("stretched", seconds=300)
    assert status["state"] == "Complete", status
    assert_exactly_once(status["outputURI"], world, expected)
    seen.assert_never_backwards()
