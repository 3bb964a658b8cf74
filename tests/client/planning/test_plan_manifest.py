"""A plan is made in a pod that is like a worker's where it matters."""

from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.client.planning.plan_manifest import plan_job
from batchprocess_operator.manifests.jobs import worker_job
from batchprocess_operator.observe.read_job import read_job
from support.job_cases import job, spec

TEMPLATE = {
    "metadata": {"labels": {"team": "vision"}, "annotations": {"a": "b"}},
    "spec": {
        "serviceAccountName": "reader",
        "nodeSelector": {"pool": "gpu"},
        "containers": [
            {
                "name": "worker",
                "env": [{"name": "TOKEN", "value": "$(x)"}],
                "resources": {"requests": {"cpu": "1"}, "limits": {"example.com/fpga": 1}},
            }
        ],
    },
}
GIVEN = spec(
    source={"configMap": "code"},
    worker={"gpus": 1, "template": TEMPLATE},
    hparams={"price": "$(HOME)"},
    output={"s3": {"credentialsSecret": "keys", "caBundleConfigMap": "ca"}},
)
META = {
    "namespace": "team",
    "uid": "01234567-89ab",
    "creationTimestamp": "2030-01-01T00:00:00Z",
    "generation": 1,
}


def pods() -> tuple[dict[str, Any], dict[str, Any]]:
    given = job(GIVEN)
    mine = plan_job(BatchProcessJob.model_validate(given), "team", "digits-plan-1")
    given["metadata"] |= META
    read = read_job(given, None)
    theirs = worker_job(read.body, read.identity, None)
    return mine["spec"]["template"], theirs["spec"]["template"]


def test_it_has_the_workers_image_account_node_and_security_and_no_gpu() -> None:
    mine, theirs = (one["spec"] for one in pods())
    same = ("serviceAccountName", "nodeSelector", "restartPolicy", "automountServiceAccountToken")
    assert [mine[name] for name in same] == [theirs[name] for name in same]
    (container,), (worker,) = mine["containers"], theirs["containers"]
    same = ("image", "workingDir", "securityContext", "name")
    assert [container[name] for name in same] == [worker[name] for name in same]
    assert container["resources"] == {"requests": {"cpu": "1"}}
    assert container["command"] == [
        *worker["command"][:3],
        "--plan",
        *worker["command"][3:],
    ]


def test_it_has_the_workers_volumes_but_for_the_token() -> None:
    mine, theirs = (one["spec"]["volumes"] for one in pods())
    assert mine == [one for one in theirs if one["name"] != "batchprocess-token"]


def test_what_the_code_is_told_is_what_a_worker_is_told() -> None:
    mine, theirs = (
        {entry["name"]: entry for entry in one["spec"]["containers"][0]["env"]} for one in pods()
    )
    assert mine["TOKEN"]["value"] == "$(x)"
    assert mine["BATCHPROCESS_HPARAMS"]["value"] == '{"price": "$$(HOME)"}'
    assert mine["AWS_SECRET_ACCESS_KEY"] == theirs["AWS_SECRET_ACCESS_KEY"]
    differ = {name for name in mine | theirs if mine.get(name) != theirs.get(name)}
    ours = ("INDEX", "NODE", "SHARD", "JOB", "RUN_URI", "SOURCE_FOLDER", "TERMINATION_LOG")
    assert differ == {"BATCHPROCESS_PLAN", *(f"BATCHPROCESS_{name}" for name in ours)}


def test_the_operator_does_not_take_it_for_a_worker() -> None:
    mine, theirs = (one["metadata"] for one in pods())
    assert mine["labels"] == {"team": "vision", "batchprocess.dev/plan": "digits-plan-1"}
    assert mine["annotations"] == {"a": "b"}
    assert set(mine["labels"]) & set(theirs["labels"]) == {"team"}
