"""Jobs that cannot work: the reason is where a person looks, and nothing waits for ever."""

import json

import pytest

from support.e2e.jobs import PLAIN, disturbed
from support.e2e.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
POISON = 1000  # a row of shard 2 of 4


def _condition(status: dict, kind: str) -> dict:
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


def _warnings(world: World, name: str) -> list[str]:
    about = f"--field-selector=involvedObject.name={name},type=Warning"
    where = ("--namespace", world.namespace, "--output=json")
    events = json.loads(world.kubectl("get", "events", about, *where))["items"]
    return [one["message"] for one in events]


def test_a_poison_shard_fails_the_job_once_all_others_have_ended_and_a_retry_works_on_it_alone(
    world: World,
):
    poisoned = disturbed(
        world,
        "poison",
        shards=4,
        parallelism=4,
        hparams={"seconds": 0, "poison": [POISON]},
        failurePolicy={"maxRetriesPerShard": 0},
    )
    world.apply(poisoned)
    status = world.wait("poison")
    assert status["state"] == "Failed"
    assert status["sealedShards"] == "0,1,3"
    assert status["failedShards"] == "2"
    assert [(row["shard"], row["state"]) for row in status["shardProgress"]] == [(2, "failed")]
    failed = _condition(status, "Failed")
    assert failed["reason"] == "ShardsFailed"
    assert f"row {POISON} is poison" in failed["message"]
    world.kubectl(
        *("patch", "bpj", "poison", "--namespace", world.namespace),
        *("--type=merge", '--patch={"spec": {"retry": 1}}'),
    )
    world.wait("poison", lambda status: status.get("retry") == 1, seconds=30)
    again = world.wait("poison")
    assert again["state"] == "Failed"
    (pod,) = [pod for pod in world.pods("poison") if "-r1-" in pod["metadata"]["name"]]
    assert pod["metadata"]["annotations"]["batchprocess.dev/shards"] == "2"


def test_tolerated_failures_complete_with_failures_and_say_which(world: World):
    tolerant = disturbed(
        world,
        "tolerant",
        shards=4,
        parallelism=4,
        hparams={"seconds": 0, "poison": [POISON]},
        failurePolicy={"maxRetriesPerShard": 0, "maxFailedShards": 2},
    )
    world.apply(tolerant)
    status = world.wait("tolerant")
    assert status["state"] == "CompleteWithFailures"
    assert status["failedShards"] == "2"
    assert 1347 <= status["rows"] < 1797


def test_a_configuration_error_fails_the_job_at_once_with_the_users_message(world: World):
    wrong = PLAIN | {"dataset": "inference:no_such_function"}
    world.apply(world.job("wrong", shards=4, parallelism=1, **wrong))
    status = world.wait("wrong", seconds=120)
    failed = _condition(status, "Failed")
    assert (status["state"], failed["reason"]) == ("Failed", "CannotWork")
    assert "no_such_function" in failed["message"]
    assert status["attempts"] == 1


def test_a_worker_that_runs_out_of_memory_is_told_at_once_and_again_when_it_has_no_retry_left(
    world: World,
):
    template = world.template()
    template["spec"]["containers"][0]["resources"]["limits"] = {"memory": "1Gi"}
    hungry = disturbed(
        world,
        "hungry",
        hparams={"seconds": 0, "hungry": True},
        worker={"template": template},
        failurePolicy={"maxRetriesPerShard": 1},
    )
    world.apply(hungry)

    def told(status: dict) -> bool:
        return bool(status) and bool(_condition(status, "PodsFailed"))

    first = world.wait("hungry", told)
    said = _condition(first, "PodsFailed")["message"]
    assert first["state"] == "Running"
    assert "SIGKILL: out of memory?" in said
    status = world.wait("hungry")
    assert _warnings(world, "hungry").count(said) == 1
    failed = _condition(status, "Failed")
    assert (status["state"], failed["reason"], status["attempts"]) == ("Failed", "ShardsFailed", 2)
    assert "SIGKILL: out of memory?" in failed["message"]


@pytest.mark.parametrize(
    ("name", "spec", "reason", "words"),
    [
        ("no-image", {"image": "localhost/no-such:image"}, "ErrImageNeverPull", "no-such"),
        ("no-source", {"source": {"configMap": "nowhere"}}, "FailedMount", "nowhere"),
        ("no-sdk", {"worker": {}}, "ImageWithoutBatchprocess", "batchprocess"),
        ("no-python", {"worker": {"python": "/no/python"}}, "StartError", "/no/python"),
    ],
)
def test_pods_that_do_not_start_say_why_within_a_minute(
    world: World, name: str, spec: dict, reason: str, words: str
):
    spec = {**spec}
    if "worker" in spec:
        template = world.template()
        if name == "no-sdk":
            if world.host_python is None:
                pytest.skip("the whole image has the SDK among its packages: it can't be hidden")
            nowhere = {"name": "PYTHONPATH", "value": "/nowhere"}
            template["spec"]["containers"][0]["env"] = [nowhere]
        spec["worker"] = {"template": template, **spec["worker"]}
    world.apply(world.job(name, **PLAIN, **spec))

    def told(status: dict) -> bool:
        return bool(status) and _condition(status, "PodsStarting").get("reason") == reason

    status = world.wait(name, told, seconds=60)
    assert words in _condition(status, "PodsStarting")["message"]
    world.kubectl("delete", "bpj", name, "--namespace", world.namespace)


def test_a_missing_secret_is_told_within_a_minute(world: World):
    job = world.job("no-secret", **PLAIN)
    job["spec"]["output"]["s3"]["credentialsSecret"] = "nobody"
    world.apply(job)

    def told(status: dict) -> bool:
        reason = bool(status) and _condition(status, "PodsStarting").get("reason")
        return reason == "CreateContainerConfigError"

    status = world.wait("no-secret", told, seconds=60)
    assert "nobody" in _condition(status, "PodsStarting")["message"]
    world.kubectl("delete", "bpj", "no-secret", "--namespace", world.namespace)
