"""`helm test`, by real helm: a small job from its creation to Complete, and nothing stays."""

import json
import subprocess

import pytest

from support.e2e.given import Given
from support.e2e.operator import InstalledOperator
from support.e2e.world import World
from support.storage.s3_server import KEY, SECRET
from testcluster.operator import CHART, NAMESPACE, RELEASE
from testcluster.tools import built

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KINDS = "pods,serviceaccounts,roles,rolebindings,batchprocessjobs.batchprocess.dev"


def helm(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    place = (f"--kubeconfig={world.kubectl.kubeconfig}", f"--namespace={NAMESPACE}")
    return subprocess.run(
        [built("helm"), *arguments, *place],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def upgrade(world: World, **test: object) -> None:
    values = json.dumps({"enabled": True, "image": world.image} | test)
    done = helm(
        world, "upgrade", RELEASE, str(CHART), "--reuse-values", f"--set-json=test={values}"
    )
    assert done.returncode == 0, done.stderr


def left(world: World) -> list[str]:
    names = world.kubectl("get", KINDS, f"--namespace={NAMESPACE}", "--output=name").split()
    return [one for one in names if "-test" in one]


def test_a_small_job_is_run_to_its_end_and_taken_away(
    world: World, operator: InstalledOperator, given: Given | None
) -> None:
    if given is not None:
        pytest.skip("its release is not of our chart's values")
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": keys}
    secret["metadata"] = {"name": "s3-creds", "namespace": NAMESPACE}
    world.apply(secret)
    output = world.job("any")["spec"]["output"]
    upgrade(world, output=output, worker={"template": world.template()})
    done = helm(world, "test", RELEASE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Phase:          Succeeded" in done.stdout
    assert "Complete, shards 2/2" in done.stdout + done.stderr
    world.kubectl(
        "wait", "bpj", "--all", "--for=delete", "--timeout=60s", f"--namespace={NAMESPACE}"
    )
    assert left(world) == []


def test_a_job_that_cannot_run_fails_the_test_and_says_why(
    world: World, operator: InstalledOperator, given: Given | None
) -> None:
    if given is not None:
        pytest.skip("its release is not of our chart's values")
    output = world.job("any")["spec"]["output"]
    upgrade(
        world,
        output=output,
        worker={"template": world.template()},
        image="nowhere.invalid/x:1",
        seconds=15,
    )
    done = helm(world, "test", RELEASE)
    assert done.returncode != 0
    assert "is not Complete, after at most 15 s" in done.stdout + done.stderr
    # The pod stays, to be looked at, and the job that belongs to it; the rights are gone.
    assert {one.partition("/")[0] for one in left(world)} >= {
        "pod",
        "batchprocessjob.batchprocess.dev",
    }
    assert not [one for one in left(world) if "role" in one or "account" in one]
    world.kubectl(
        "delete",
        "pods",
        "--selector=app.kubernetes.io/name=batchprocess-operator-test",
        f"--namespace={NAMESPACE}",
    )
