"""The pods of a job: ours over the user's, nothing of the user's lost."""

from batchprocess_operator.manifests.jobs import worker_job
from support.operator.manifests import (
    ADDRESS,
    container_of,
    env_of,
    finalizer,
    mounts_of,
    pod_of,
    template,
    volumes_of,
    worker,
)
from support.operator.objects import UID, job


class TestWorkerPod:
    def test_runs_the_agent_before_the_users_command(self) -> None:
        start = ["python", "-m", "batchprocess.agent", "--"]
        assert container_of(worker())["command"] == [*start, "python", "inference.py"]
        other = worker(worker={"python": "/opt/venv/bin/python"})
        assert container_of(other)["command"][0] == "/opt/venv/bin/python"

    def test_runs_the_sdk_for_a_processor_without_a_script(self) -> None:
        made = worker(command=[], processor="inference:P", dataset="inference:data")
        assert container_of(made)["command"][-3:] == ["python", "-m", "batchprocess.sdk"]

    def test_never_restarts_in_place_and_tells_its_end(self) -> None:
        container = container_of(worker())
        assert pod_of(worker())["restartPolicy"] == "Never"
        assert container["terminationMessagePath"] == "/dev/termination-log"
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"

    def test_has_a_token_for_this_job_alone_and_none_for_the_api_server(self) -> None:
        (source,) = volumes_of(worker())["batchprocess-token"]["projected"]["sources"]
        token = source["serviceAccountToken"]
        assert token["audience"] == f"batchprocess.dev/team/{UID}"
        assert token["path"] == "token"
        assert mounts_of(worker())["batchprocess-token"] == "/var/run/batchprocess"
        assert pod_of(worker())["automountServiceAccountToken"] is False

    def test_has_shared_memory_for_loader_processes(self) -> None:
        assert volumes_of(worker())["batchprocess-shm"]["emptyDir"] == {"medium": "Memory"}
        assert mounts_of(worker())["batchprocess-shm"] == "/dev/shm"

    def test_has_source_and_ca_bundle_if_the_job_names_them(self) -> None:
        s3 = {"endpoint": "https://store", "caBundleConfigMap": "ca"}
        made = worker(source={"configMap": "code"}, output={"uri": "s3://bucket/out", "s3": s3})
        assert volumes_of(made)["batchprocess-source"]["configMap"] == {"name": "code"}
        assert container_of(made)["workingDir"] == "/batchprocess/source"
        assert volumes_of(made)["batchprocess-ca"]["configMap"] == {"name": "ca"}
        assert "/batchprocess/ca/ca.crt" in env_of(made)["BATCHPROCESS_S3"]

    def test_is_bounded_in_scratch_space_unless_the_user_bounds_it(self) -> None:
        assert container_of(worker())["resources"]["limits"]["ephemeral-storage"] == "50Gi"
        own = {"name": "worker", "resources": {"requests": {"ephemeral-storage": "2Gi"}}}
        made = container_of(worker(worker=template(containers=[own])))["resources"]
        assert made == {"requests": {"ephemeral-storage": "2Gi"}}

    def test_has_the_gpus_that_it_asks_for_beside_the_users_resources(self) -> None:
        own = {"name": "worker", "resources": {"limits": {"memory": "8Gi"}}}
        made = worker(worker={"gpus": 2} | template(containers=[own]))
        limits = container_of(made)["resources"]["limits"]
        assert (limits["nvidia.com/gpu"], limits["memory"]) == ("2", "8Gi")
        assert "nvidia.com/gpu" not in container_of(worker())["resources"]["limits"]

    def test_keeps_the_claims_of_its_container(self) -> None:
        own = {"name": "worker", "resources": {"claims": [{"name": "gpu"}]}}
        made = container_of(worker(worker=template(containers=[own])))["resources"]
        assert made["claims"] == [{"name": "gpu"}]

    def test_of_a_template_that_is_no_pod_is_built_for_the_api_server_to_refuse(self) -> None:
        assert pod_of(worker(worker=template(tolerations=5)))["tolerations"] == 5

    def test_leaves_a_node_that_does_not_answer_within_half_a_minute(self) -> None:
        own = {"key": "spot", "operator": "Exists"}
        found = pod_of(worker(worker=template(tolerations=[own])))["tolerations"]
        assert found[0] == own
        assert {(one["key"], one["tolerationSeconds"]) for one in found[1:]} == {
            ("node.kubernetes.io/not-ready", 30),
            ("node.kubernetes.io/unreachable", 30),
        }

    def test_keeps_everything_else_that_the_user_wrote(self) -> None:
        spec = {
            "nodeSelector": {"pool": "gpu"},
            "priorityClassName": "low",
            "initContainers": [{"name": "fetch", "image": "fetch:1"}],
            "volumes": [{"name": "models", "emptyDir": {}}],
            "containers": [
                {
                    "name": "worker",
                    "volumeMounts": [{"name": "models", "mountPath": "/models"}],
                    "securityContext": {"runAsUser": 7},
                }
            ],
        }
        made = worker(worker=template(**spec))
        pod = pod_of(made)
        assert pod["nodeSelector"] == {"pool": "gpu"}
        assert pod["initContainers"] == spec["initContainers"]
        assert mounts_of(made)["models"] == "/models"
        assert container_of(made)["image"] == "digits:1"
        assert container_of(made)["securityContext"] == {"runAsUser": 7}

    def test_has_the_users_labels_and_annotations_and_ours(self) -> None:
        meta = {"labels": {"team": "a"}, "annotations": {"note": "b"}}
        made = worker(worker={"template": {"metadata": meta}})["spec"]["template"]["metadata"]
        assert made["labels"]["team"] == "a"
        assert made["labels"]["batchprocess.dev/role"] == "worker"
        assert made["annotations"]["note"] == "b"

    def test_building_it_leaves_the_jobs_own_template_as_it_was(self) -> None:
        own = template(containers=[{"name": "worker", "env": [{"name": "A", "value": "1"}]}])
        one = job(worker=own)
        first = worker_job(one.body, one.identity, ADDRESS)
        assert worker_job(one.body, one.identity, ADDRESS) == first
        assert one.body.spec.worker.template == own["template"]


class TestFinalizer:
    USER = template(
        nodeSelector={"pool": "gpu"},
        serviceAccountName="runner",
        imagePullSecrets=[{"name": "pull"}],
        tolerations=[{"key": "gpu", "operator": "Exists"}],
        containers=[
            {
                "name": "worker",
                "env": [{"name": "LEVEL", "value": "7"}],
                "resources": {"limits": {"memory": "64Gi"}},
            }
        ],
    )

    def test_needs_no_gpu_and_no_gpu_machine(self) -> None:
        made = finalizer(worker={"gpus": 1} | self.USER)
        assert "nvidia.com/gpu" not in str(container_of(made)["resources"])
        assert pod_of(made)["nodeSelector"] == {}
        assert pod_of(made)["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
        assert container_of(made)["resources"]["requests"]["memory"] == "4Gi"

    def test_has_the_workers_image_account_environment_and_pull_secrets(self) -> None:
        made = finalizer(worker=self.USER)
        assert container_of(made)["image"] == "digits:1"
        assert pod_of(made)["serviceAccountName"] == "runner"
        assert pod_of(made)["imagePullSecrets"] == [{"name": "pull"}]
        assert env_of(made)["LEVEL"] == "7"

    def test_has_what_the_job_gives_it(self) -> None:
        own = {
            "gpus": 1,
            "resources": {"requests": {"cpu": "3"}},
            "nodeSelector": {"pool": "cpu"},
            "tolerations": [{"key": "cpu", "operator": "Exists"}],
        }
        made = finalizer(finalizer=own)
        assert container_of(made)["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert container_of(made)["resources"]["requests"]["cpu"] == "3"
        assert pod_of(made)["nodeSelector"] == {"pool": "cpu"}
        assert pod_of(made)["tolerations"] == own["tolerations"]

    def test_runs_the_agents_finalizer(self) -> None:
        command = container_of(finalizer())["command"]
        assert command[:5] == ["python", "-m", "batchprocess.agent", "--finalize", "--"]
