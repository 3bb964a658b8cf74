"""Scaling, suspending, editing and deleting a job while it runs."""

import time

import pytest

from support.e2e.checks import assert_exactly_once, watched
from support.e2e.jobs import disturbed
from support.e2e.world import World
from testcluster import ClusterError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NAME = "steered"


def _running(world: World, name: str, count: int, seconds: float = 120) -> None:
    """Exactly `count` pods run, and nobody has asked one of them to stop."""
    deadline = time.monotonic() + seconds
    while len(world.running(name)) != count:
        assert time.monotonic() < deadline, f"{name}: {world.status(name)}"
        time.sleep(0.5)


def _patch(world: World, name: str, patch: str) -> str:
    return world.kubectl(
        "patch", "bpj", name, "--namespace", world.namespace, "--type=merge", f"--patch={patch}"
    )


def test_a_job_that_is_scaled_edited_and_suspended_ends_as_if_it_had_not_been(
    world: World, expected
):
    world.apply(disturbed(world, NAME, shards=6, parallelism=1, hparams={"seconds": 1.5}))
    with watched(world, NAME) as seen:
        _running(world, NAME, 1)
        world.kubectl("scale", "bpj", NAME, "--replicas=4", "--namespace", world.namespace)
        _running(world, NAME, 4)
        world.wait(NAME, lambda status: status["shards"]["running"] == 4, seconds=30)
        _patch(world, NAME, '{"spec": {"parallelism": 2}}')
        _running(world, NAME, 2)
        _refuses_an_edit(world)
        _suspends_and_resumes(world)
        status = world.wait(NAME)
    assert status["state"] == "Complete", status
    assert_exactly_once(status["outputURI"], world, expected)
    seen.assert_never_backwards()


def _refuses_an_edit(world: World) -> None:
    with pytest.raises(ClusterError, match=r"spec\.batchSize"):
        _patch(world, NAME, '{"spec": {"batchSize": 64}}')
    with pytest.raises(ClusterError, match=r"spec\.shards"):
        _patch(world, NAME, '{"spec": {"shards": 7}}')


def _suspends_and_resumes(world: World) -> None:
    _patch(world, NAME, '{"spec": {"suspend": true}}')
    suspended = world.wait(NAME, lambda status: status["state"] == "Suspended", seconds=30)
    _running(world, NAME, 0)
    done = suspended["batches"]["done"]
    _patch(world, NAME, '{"spec": {"suspend": false}}')
    world.wait(NAME, lambda status: status["batches"]["done"] > done)


def test_deleting_a_job_leaves_nothing_behind_and_its_name_begins_another_run(world: World):
    job = disturbed(world, "brief", shards=2, parallelism=2, maxBatches=2)
    world.apply(job)
    _running(world, "brief", 2)
    first = world.status("brief")["outputURI"]
    world.kubectl("delete", "bpj", "brief", "--namespace", world.namespace)
    deadline = time.monotonic() + 90
    selector = "batchprocess.dev/job=brief"
    while world.kubectl.names("jobs,pods", world.namespace, selector):
        assert time.monotonic() < deadline, "children of a deleted job are still there"
        time.sleep(0.5)
    world.apply(job)
    status = world.wait("brief")
    assert status["state"] == "Complete", status
    assert status["outputURI"] != first
    assert status["rows"] == 2 * 2 * 32
