"""The digits job, undisturbed: what a user sees from apply to done."""

import json
import subprocess
import sys

import pytest

from support.e2e.checks import assert_exactly_once, claims, predictions
from support.e2e.jobs import digits, disturbed
from support.e2e.operator import InstalledOperator
from support.e2e.world import ROOT, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_twelve_shards_three_at_a_time_complete_with_metrics_and_an_address(world: World):
    status = digits(world)
    assert status["state"] == "Complete"
    assert status["metrics"] == {"accuracy": 0.9772}
    assert status["shards"] == {
        "total": 12,
        "succeeded": 12,
        "running": 0,
        "failed": 0,
        "pending": 0,
    }
    assert (status["batches"], status["rows"]) == ({"done": 57, "total": 57}, 1797)
    assert status["outputURI"].endswith(f"/digits/{world.get('digits')['metadata']['uid']}")
    assert status["attempts"] == 12
    kinds = {one["type"]: one["status"] for one in status.get("conditions", ())}
    assert (kinds["Complete"], kinds["Failed"], kinds["MetricsReduced"]) == (
        "True",
        "False",
        "True",
    )


def test_the_output_is_that_of_a_local_run(world: World, tmp_path):
    job = ROOT / "examples/digits/job.yaml"
    (tmp_path / "job.yaml").write_text(job.read_text())
    for name in ("inference.py", "weights.npz"):
        (tmp_path / name).write_bytes((job.parent / name).read_bytes())
    command = [sys.executable, "-m", "batchprocess.cli.main", "run", "job.yaml", "--json"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    local = predictions(json.loads(ran.stdout)["uri"], world)
    assert_exactly_once(digits(world)["outputURI"], world, local)


def test_every_shard_was_claimed_once(world: World):
    assert len(claims(digits(world)["outputURI"], world)) == 12


def test_two_processes_a_pod_halve_the_pods_and_an_operator_that_is_away_misses_nothing(
    world: World, operator: InstalledOperator, expected
):
    worker = {"template": world.template(), "processesPerWorker": 2}
    # Each shard takes longer than the operator takes to go.
    slow = {"seconds": 2.5}
    world.apply(disturbed(world, "pairs", shards=5, parallelism=3, worker=worker, hparams=slow))
    world.wait("pairs", lambda status: status.get("state") == "Running", seconds=60)
    with operator.away():
        (child,) = world.kubectl.names("jobs", world.namespace, "batchprocess.dev/job=pairs")
        done = "--for=jsonpath={.status.succeeded}=3"
        world.kubectl(
            "wait", f"job/{child}", "-n", world.namespace, done, "--timeout=180s", seconds=200
        )
        assert world.status("pairs")["state"] == "Running"
    status = world.wait("pairs")
    assert (status["state"], status["metrics"]) == ("Complete", {"accuracy": 0.9772})
    assert (status["rows"], status["batches"]) == (1797, {"done": 57, "total": 57})
    assert len(world.pods("pairs")) == 3
    assert_exactly_once(status["outputURI"], world, expected)


def test_kubectl_get_shows_a_line_that_a_person_understands(world: World):
    digits(world)
    table = world.kubectl("get", "bpj", "digits", "--namespace", world.namespace)
    header, line = table.splitlines()
    assert header.split() == ["NAME", "STATE", "PROGRESS", "SHARDS", "RATE", "ETA", "AGE"]
    assert line.split()[:4] == ["digits", "Complete", "57/57", "12/12"]
