"""What is ours in a pod, over what is the user's."""

from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.pods.pod import command_of, finished
from support.job_cases import job, spec


def made(**given: Any) -> BatchProcessJob:
    return BatchProcessJob.model_validate(job(spec(**given)))


def test_the_agent_comes_before_the_users_command() -> None:
    start = ["python", "-m", "batchprocess.agent"]
    with_script = made(command=["python", "a.py"], processor=None, dataset=None)
    assert command_of(with_script) == [*start, "--", "python", "a.py"]
    assert command_of(with_script, "--plan")[3:] == ["--plan", "--", "python", "a.py"]
    without = made(worker={"python": "/opt/python"})
    assert command_of(without)[0] == "/opt/python"
    assert command_of(without)[-3:] == ["/opt/python", "-m", "batchprocess.sdk"]


def test_what_the_user_says_is_kept_and_comes_first() -> None:
    container = {
        "image": "theirs",
        "env": [{"name": "A", "value": "1"}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"runAsUser": 1},
    }
    pod = {
        "volumes": [{"name": "data"}],
        "automountServiceAccountToken": True,
        "enableServiceLinks": True,
    }
    done = finished(made(), pod, container, [{"name": "B", "value": "2"}])
    (one,) = done["containers"]
    assert one["image"] == "theirs"
    assert [entry["name"] for entry in one["env"]] == ["A", "B"]
    assert one["volumeMounts"][0] == {"name": "data", "mountPath": "/data"}
    assert one["securityContext"] == {"runAsUser": 1}
    assert done["volumes"][0] == {"name": "data"}
    assert done["automountServiceAccountToken"]
    assert done["enableServiceLinks"]


def test_without_the_users_word_nothing_is_allowed_and_nothing_told() -> None:
    done = finished(made(), {}, {}, [])
    (one,) = done["containers"]
    assert (one["name"], done["restartPolicy"]) == ("worker", "Never")
    assert one["securityContext"]["allowPrivilegeEscalation"] is False
    assert done["automountServiceAccountToken"] is False
    assert done["enableServiceLinks"] is False


def test_only_shared_memory_can_be_written_to() -> None:
    given = made(source={"configMap": "code"}, output={"s3": {"caBundleConfigMap": "ca"}})
    done = finished(given, {}, {}, [], [("token", "/token", {"projected": {}})])
    mounts = {one.pop("name"): one for one in done["containers"][0]["volumeMounts"]}
    assert mounts == {
        "batchprocess-shm": {"mountPath": "/dev/shm"},
        "batchprocess-token": {"mountPath": "/token", "readOnly": True},
        "batchprocess-source": {"mountPath": "/batchprocess/source", "readOnly": True},
        "batchprocess-ca": {"mountPath": "/batchprocess/ca", "readOnly": True},
    }
    assert [one["name"] for one in done["volumes"]] == list(mounts)
