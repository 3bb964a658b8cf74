"""Deadlines, queues, pinned runs, lost nodes: each on a job of its own."""

import json
import time
from collections.abc import Callable

import pytest

import testcluster
from support.e2e.checks import assert_exactly_once, claims
from support.e2e.jobs import PLAIN, disturbed
from support.e2e.operator import InstalledOperator
from support.e2e.world import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


def _condition(status: dict, kind: str) -> dict:
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


def _says(kind: str, reason: str) -> Callable[[dict], bool]:
    return lambda status: _condition(status, kind).get("reason") == reason


def _children(world: World, name: str, kinds: str = "jobs") -> list[str]:
    return world.kubectl.names(kinds, world.namespace, f"batchprocess.dev/job={name}")


def _until(what: str, holds: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def _patch_child(world: World, child: str, spec: dict) -> None:
    patch = f"--patch={json.dumps({'spec': spec})}"
    world.kubectl("patch", "job", child, "--namespace", world.namespace, "--type=merge", patch)


def _admit(world: World, child: str) -> None:
    job = world.kubectl.get("job", child, world.namespace)
    assert job["spec"]["suspend"] is True
    assert job["metadata"]["labels"][QUEUE_LABEL] == "gpus"
    _patch_child(world, child, {"suspend": False})


def _finalizer_waits(status: dict) -> bool:
    return "FinalizerSuspended" in {one["reason"] for one in status.get("conditions", ())}


def test_a_job_of_a_queue_waits_until_the_queue_lets_it_begin(world: World):
    world.apply(world.job("queued", queueName="gpus", maxBatches=1, **PLAIN))
    world.wait("queued", lambda status: status.get("state") == "Queued", seconds=30)
    (child,) = _children(world, "queued")
    _admit(world, child)
    world.wait("queued", lambda status: _finalizer_waits(status) and status["state"] == "Queued")
    _admit(world, f"{child}-fin")
    status = world.wait("queued")
    assert status["state"] == "Complete", status
    for name in (child, f"{child}-fin"):
        job = world.kubectl.get("job", name, world.namespace)
        assert job["spec"]["suspend"] is False, "the operator stopped what the queue had begun"
        assert job["metadata"]["generation"] == 2, "somebody but the queue has changed it"


def test_a_pinned_run_is_found_again_by_the_next_job_of_its_name(world: World):
    job = world.job("pinned", runId="spring", shards=2, parallelism=2, maxBatches=2, **PLAIN)
    world.apply(job)
    first = world.wait("pinned")
    assert first["state"] == "Complete", first
    assert first["outputURI"].endswith("/spring")
    world.kubectl("delete", "bpj", "pinned", "--namespace", world.namespace)
    world.apply(job)
    again = world.wait("pinned")
    assert again["state"] == "Complete", again
    assert again["outputURI"] == first["outputURI"]
    assert again["rows"] == first["rows"] == 2 * 2 * 32
    assert len(claims(first["outputURI"], world)) == 2, "a sealed shard was worked on again"


def test_a_child_job_deleted_by_hand_is_made_again_and_goes_on(world: World, expected):
    world.apply(disturbed(world, "orphaned", shards=2, parallelism=2, hparams={"seconds": 0.5}))
    world.wait("orphaned", lambda status: status.get("batches", {}).get("done", 0) >= 6)
    (child,) = _children(world, "orphaned")
    before = world.kubectl.get("job", child, world.namespace)["metadata"]["uid"]
    world.kubectl("delete", "job", child, "--namespace", world.namespace)
    status = world.wait("orphaned")
    assert status["state"] == "Complete", status
    assert world.kubectl.get("job", child, world.namespace)["metadata"]["uid"] != before
    assert_exactly_once(status["outputURI"], world, expected)
    begun = [claim.cursor for claim in claims(status["outputURI"], world)]
    assert any(cursor > 0 for cursor in begun), "the second Job began at the beginning"


def test_after_its_time_to_live_only_the_job_object_is_left(world: World):
    world.apply(world.job("shortlived", ttlSecondsAfterFinished=5, maxBatches=1, **PLAIN))
    status = world.wait("shortlived")
    assert status["state"] == "Complete", status
    _until("children outlive it", lambda: not _children(world, "shortlived", "jobs,pods"), 60)
    assert world.status("shortlived")["state"] == "Complete"


def test_a_deadline_ends_a_job_that_works_and_says_which(world: World):
    late = disturbed(world, "late", timeouts={"activeDeadlineSeconds": 20})
    world.apply(late)
    status = world.wait("late", seconds=120)
    failed = _condition(status, "Failed")
    assert (status["state"], failed["reason"]) == ("Failed", "DeadlineExceeded"), failed
    _until("its pods go on", lambda: not world.running("late"), 60)


def test_a_job_that_fits_nowhere_says_so_and_fails_at_its_start_deadline(world: World):
    template = world.template(nodeSelector={"kubernetes.io/hostname": "moon"})
    world.apply(
        world.job("nowhere", worker={"template": template}, timeouts={"startSeconds": 30}, **PLAIN)
    )
    status = world.wait("nowhere", _says("PodsStarting", "Unschedulable"), seconds=60)
    assert "1 node" in _condition(status, "PodsStarting")["message"]
    status = world.wait("nowhere", seconds=120)
    assert _condition(status, "Failed")["reason"] == "StartDeadlineExceeded"
    _until("its pods wait on", lambda: not _children(world, "nowhere", "pods"), 60)


def test_with_no_failed_shard_tolerated_the_first_one_ends_the_job(world: World):
    strict = disturbed(
        world,
        "strict",
        shards=2,
        parallelism=2,
        hparams={"seconds": 5, "poison": [0]},
        failurePolicy={"maxRetriesPerShard": 0, "maxFailedShards": 0},
    )
    world.apply(strict)
    status = world.wait("strict", seconds=120)
    failed = _condition(status, "Failed")
    assert (status["state"], failed["reason"]) == ("Failed", "ShardsFailed"), failed
    assert status["failedShards"] == "0"
    assert "sealedShards" not in status or status["sealedShards"] == ""
    _until("its pods go on", lambda: not world.running("strict"), 60)


def test_a_shard_that_does_nothing_for_too_long_is_told_by_its_number(world: World):
    hang = {"seconds": 600, "slow_from": 3}
    hung = disturbed(world, "hung", hparams=hang, timeouts={"stallSeconds": 40})
    world.apply(hung)
    status = world.wait("hung", _says("Progressing", "Stalled"), seconds=120)
    assert _condition(status, "Progressing")["message"].endswith("shards 0")
    world.kubectl("delete", "bpj", "hung", "--namespace", world.namespace)


def test_a_job_whose_progress_reports_reach_nobody_ends_the_same(
    world: World, operator: InstalledOperator, expected
):
    with operator.unreachable():
        world.apply(world.job("silent", shards=2, parallelism=2, **PLAIN))
        status = world.wait("silent")
    assert status["state"] == "Complete", status
    assert_exactly_once(status["outputURI"], world, expected)


def test_the_shards_of_a_lost_node_go_on_elsewhere(world: World, cluster: testcluster.Cluster):
    here = cluster.node.name
    lost = world.job(
        "marooned",
        shards=2,
        parallelism=2,
        maxBatches=1,
        failurePolicy={"lostNodeSeconds": 20, "maxRetriesPerShard": 0},
        **PLAIN,
    )
    with testcluster.played_node(world.kubectl, "island") as island:
        world.kubectl("cordon", here)
        try:
            world.apply(lost)
            _until("pods on the island", lambda: _on(world, "island") == 2, 60)
        finally:
            world.kubectl("uncordon", here)
        world.kubectl("cordon", "island")
        island.lose()
        status = world.wait("marooned", _says("WaitingForNode", "NodeLost"), seconds=240)
        assert "island" in _condition(status, "WaitingForNode")["message"]
        status = world.wait("marooned")
    assert status["state"] == "Complete", status
    assert "failedShards" not in status or status["failedShards"] == ""


def _on(world: World, node: str) -> int:
    return sum(pod["spec"].get("nodeName") == node for pod in world.pods("marooned"))
