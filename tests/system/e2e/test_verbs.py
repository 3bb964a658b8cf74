"""A job is submitted, watched and its logs are followed over a deleted pod, by commands alone."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from support.e2e.jobs import PLAIN, disturbed
from support.e2e.world import ROOT, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NAME = "followed"


def command(world: World, *arguments: str) -> list[str]:
    return [
        str(Path(sys.executable).parent / "batchprocess"),
        *arguments,
        f"--namespace={world.namespace}",
    ]


def test_a_job_is_watched_and_its_logs_followed_over_restarts_to_the_end(
    world: World, tmp_path: Path
) -> None:
    body = disturbed(world, NAME, shards=3, parallelism=3, hparams={"seconds": 0.5})
    (tmp_path / "job.yaml").write_text(json.dumps(body))
    environ = {**os.environ, "KUBECONFIG": str(world.kubectl.kubeconfig)}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(world, *arguments), env=environ, capture_output=True, text=True, check=False
        )

    assert run("submit", str(tmp_path / "job.yaml")).returncode == 0
    with (tmp_path / "logs").open("w") as shown:
        following = subprocess.Popen(command(world, "logs", NAME, "-f"), env=environ, stdout=shown)
        try:
            _delete_one(world)
            watched = run("watch", NAME)
            assert following.wait(120) == 0
        finally:
            if following.poll() is None:
                following.kill()
                following.wait()
    assert watched.returncode == 0, watched.stderr
    assert "Running: batches " in watched.stderr
    assert watched.stdout.startswith("outputs: s3://")
    lines = (tmp_path / "logs").read_text().splitlines()
    labels = {line.partition("]")[0] + "]" for line in lines}
    assert {"[shard 0]", "[shard 1]", "[shard 2]", "[finalizer]"} <= labels, labels
    assert any(label.endswith(", attempt 2]") for label in labels), labels
    # What the pod has written that is gone by now, only the follower has.
    again = [line.partition("] ")[2] for line in run("logs", NAME).stdout.splitlines()]
    assert set(again) <= {line.partition("] ")[2] for line in lines}
    assert run("get", NAME, "-o", "name").stdout.startswith("batchprocessjob.")


def test_a_folder_of_code_is_planned_in_a_pod_submitted_and_goes_with_its_job(
    world: World, tmp_path: Path
) -> None:
    body = world.job("planned", shards=2, parallelism=2, maxBatches=2, **PLAIN)
    del body["spec"]["source"]
    environ = {**os.environ, "KUBECONFIG": str(world.kubectl.kubeconfig)}

    def submit(**change: Any) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "job.yaml").write_text(json.dumps({**body, "spec": body["spec"] | change}))
        code = str(ROOT / "examples/digits")
        words = ("submit", str(tmp_path / "job.yaml"), "--plan", "--wait", "--source", code)
        return subprocess.run(
            command(world, *words), env=environ, capture_output=True, text=True, check=False
        )

    wrong = submit(processor="inference:Missing")
    assert wrong.returncode != 0
    assert "error: the pod that plans has failed: " in wrong.stderr
    assert "Missing" in wrong.stderr
    assert world.status_or_none("planned") is None
    done = submit()
    assert done.returncode == 0, done.stderr
    assert "rows: 1797\nbatches: 4\nshards: 2\nbatchSize: 32\n" in done.stderr
    world.kubectl("delete", "bpj", "planned", "--namespace", world.namespace)
    deadline = time.monotonic() + 60
    while any(name.startswith("planned-") for name in _config_maps(world)):
        assert time.monotonic() < deadline, _config_maps(world)
        time.sleep(0.5)


def _config_maps(world: World) -> list[str]:
    return world.kubectl.names("configmaps", world.namespace)


def _delete_one(world: World) -> None:
    deadline = time.monotonic() + 120
    while world.status(NAME).get("batches", {}).get("done", 0) < 3:
        assert time.monotonic() < deadline, world.status(NAME)
        time.sleep(0.5)
    pod = world.running(NAME)[0]["metadata"]["name"]
    world.kubectl("delete", "pod", pod, "--wait=false", "--namespace", world.namespace)
