"""The child Jobs as manifests: ours over the user's, nothing of the user's lost."""

from typing import Any

import pytest

from batchprocess_operator.manifests.jobs import finalizer_job, worker_job
from batchprocess_operator.manifests.pod_failure_policy import worker_policy
from batchprocess_operator.model.names import finalizer_job_name, worker_job_name
from batchprocess_operator.model.report_address import ProgressRoad
from support.operator.objects import FINALIZER, UID, WORKER, job

ROAD = ProgressRoad("https://operator.system.svc:8443", "-----BEGIN CERTIFICATE-----\n")


def worker(todo=None, road=None, **spec: Any) -> dict[str, Any]:
    one = job(**spec)
    return worker_job(one.body, one.identity, road, todo)


def finalizer(**spec: Any) -> dict[str, Any]:
    one = job(**spec)
    return finalizer_job(one.body, one.identity)


def pod_of(made: dict[str, Any]) -> dict[str, Any]:
    return made["spec"]["template"]["spec"]


def container_of(made: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod_of(made)["containers"]
    return only


def env_of(made: dict[str, Any]) -> dict[str, Any]:
    entries = container_of(made)["env"]
    assert len({one["name"] for one in entries}) == len(entries), "a name is given twice"
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in entries}


def mounts_of(made: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["mountPath"] for one in container_of(made)["volumeMounts"]}


def volumes_of(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in pod_of(made)["volumes"]}


def template(**spec: Any) -> dict[str, Any]:
    return {"template": {"spec": spec}}


class TestPolicy:
    """First match wins, so the order is the contract (section 6)."""

    def rules(self, **spec: Any):
        return [
            (rule["action"], rule.get("onExitCodes", {}).get("values", "DisruptionTarget"))
            for rule in worker(**spec)["spec"]["podFailurePolicy"]["rules"]
        ]

    def test_is_in_the_contracts_order(self) -> None:
        assert self.rules() == [
            ("FailJob", [91]),
            ("FailIndex", [92, 94]),
            ("Ignore", [85, 87, 88]),
            ("Ignore", "DisruptionTarget"),
        ]

    def test_fails_the_shard_of_a_user_exception_if_the_job_says_so(self) -> None:
        assert ("FailIndex", [90, 92, 94]) in self.rules(failurePolicy={"onBatchError": "fail"})

    def test_counts_whatever_no_rule_names(self) -> None:
        named = {code for _, values in self.rules() for code in values if isinstance(code, int)}
        assert named.isdisjoint({1, 2, 86, 90, 93, 128, 137, 139, 143})

    def test_is_about_the_container_worker_and_in_ascending_order(self) -> None:
        for rule in worker_policy(fail_on_user_code=True)["rules"][:-1]:
            codes = rule["onExitCodes"]
            assert codes["containerName"] == "worker"
            assert codes["values"] == sorted(codes["values"])

    def test_of_the_finalizer_fails_at_once_on_a_contradiction_in_storage(self) -> None:
        rules = finalizer()["spec"]["podFailurePolicy"]["rules"]
        found = [(rule["action"], rule.get("onExitCodes", {}).get("values")) for rule in rules]
        assert found == [("FailJob", [91, 93]), ("Ignore", [85, 88]), ("Ignore", None)]


class TestWorkerJob:
    def test_is_indexed_with_an_index_a_shard(self) -> None:
        spec = worker()["spec"]
        assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == (
            "Indexed",
            4,
            2,
        )
        assert (spec["backoffLimitPerIndex"], spec["podReplacementPolicy"]) == (3, "Failed")
        assert spec["suspend"] is False
        assert "activeDeadlineSeconds" not in spec
        assert "maxFailedIndexes" not in spec

    def test_has_as_many_indexes_as_pods_are_needed(self) -> None:
        made = worker(worker={"processesPerWorker": 3})["spec"]
        assert made["completions"] == 2

    def test_tolerates_failed_shards_only_where_a_pod_is_a_shard(self) -> None:
        assert worker(failurePolicy={"maxFailedShards": 0})["spec"]["maxFailedIndexes"] == 0
        assert worker(failurePolicy={"maxFailedShards": 2})["spec"]["maxFailedIndexes"] == 2
        assert worker(failurePolicy={"maxFailedShards": 99})["spec"]["maxFailedIndexes"] == 4
        several = {"processesPerWorker": 2}
        made = worker(failurePolicy={"maxFailedShards": 1}, worker=several)
        assert "maxFailedIndexes" not in made["spec"]

    def test_is_named_and_labelled_after_the_job_and_owned_by_it(self) -> None:
        meta = worker()["metadata"]
        assert (meta["name"], meta["namespace"]) == (WORKER, "team")
        assert meta["labels"]["batchprocess.dev/job"] == "digits"
        assert meta["labels"]["batchprocess.dev/job-uid"] == UID
        assert meta["labels"]["batchprocess.dev/role"] == "worker"
        (owner,) = meta["ownerReferences"]
        assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (
            UID,
            True,
            False,
        )

    def test_of_a_retry_has_the_shards_that_are_left_in_environment_and_annotations(self) -> None:
        made = worker(frozenset({7, 1, 2}), shards=8, retry=3)
        assert made["metadata"]["name"] == f"{WORKER}-r3"
        assert made["spec"]["completions"] == 3
        assert env_of(made)["BATCHPROCESS_SHARD_LIST"] == "[1, 2, 7]"
        assert env_of(made)["BATCHPROCESS_RETRY"] == "3"
        for meta in (made["metadata"], made["spec"]["template"]["metadata"]):
            assert meta["annotations"]["batchprocess.dev/shards"] == "1,2,7"

    def test_without_a_retry_says_nothing_of_shards(self) -> None:
        assert "batchprocess.dev/shards" not in worker()["metadata"]["annotations"]
        assert "BATCHPROCESS_SHARD_LIST" not in env_of(worker())

    def test_for_kueue_begins_suspended_with_the_queues_label_on_it_alone(self) -> None:
        made = worker(queueName="gpus")
        assert made["spec"]["suspend"] is True
        assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
        assert "kueue.x-k8s.io/queue-name" not in finalizer(queueName="gpus")["metadata"]["labels"]

    def test_has_the_deadline_that_the_job_has(self) -> None:
        made = worker(timeouts={"activeDeadlineSeconds": 50})
        assert made["spec"]["activeDeadlineSeconds"] == 50


class TestEnvironment:
    def test_tells_the_agent_what_to_work_on(self) -> None:
        env = env_of(worker(batchSize=8, hparams={"threshold": 0.5}))
        assert env["BATCHPROCESS_JOB"] == f"20300101T115820Z-{UID}"
        assert env["BATCHPROCESS_RUN_URI"] == f"s3://bucket/out/digits/{UID}"
        assert (env["BATCHPROCESS_SHARDS"], env["BATCHPROCESS_BATCH_SIZE"]) == ("4", "8")
        assert env["BATCHPROCESS_HPARAMS"] == '{"threshold": 0.5}'
        assert env["BATCHPROCESS_TERMINATION_LOG"] == "/dev/termination-log"

    def test_a_pinned_run_has_its_own_folder(self) -> None:
        env = env_of(worker(runId="again"))
        assert env["BATCHPROCESS_RUN_URI"] == "s3://bucket/out/digits/again"

    def test_the_index_is_the_pods_own(self) -> None:
        path = "metadata.labels['batch.kubernetes.io/job-completion-index']"
        assert env_of(worker())["BATCHPROCESS_INDEX"] == {"fieldRef": {"fieldPath": path}}
        assert "BATCHPROCESS_INDEX" not in env_of(finalizer())

    def test_credentials_come_from_the_secret_and_are_never_written_down(self) -> None:
        s3 = {"endpoint": "https://store", "credentialsSecret": "keys"}
        env = env_of(worker(output={"uri": "s3://bucket/out", "s3": s3}))
        assert env["AWS_ACCESS_KEY_ID"] == {
            "secretKeyRef": {"name": "keys", "key": "AWS_ACCESS_KEY_ID"}
        }
        assert env["AWS_SESSION_TOKEN"]["secretKeyRef"]["optional"] is True

    def test_without_a_secret_the_pods_own_identity_counts(self) -> None:
        assert not [name for name in env_of(worker()) if name.startswith("AWS_")]

    def test_progress_goes_to_the_endpoint_if_there_is_one(self) -> None:
        env = env_of(worker(road=ROAD))
        assert env["BATCHPROCESS_PROGRESS_URL"] == ROAD.url
        assert env["BATCHPROCESS_PROGRESS_CA"] == ROAD.ca
        assert env["BATCHPROCESS_PROGRESS_TOKEN_FILE"] == "/var/run/batchprocess/token"
        assert "BATCHPROCESS_PROGRESS_URL" not in env_of(worker())

    def test_the_users_variables_are_kept_and_come_first(self) -> None:
        own = {"name": "worker", "env": [{"name": "LEVEL", "value": "7"}]}
        made = worker(worker=template(containers=[own]))
        assert container_of(made)["env"][0] == {"name": "LEVEL", "value": "7"}

    def test_the_agent_knows_the_grace_period_of_its_pod(self) -> None:
        for grace in (7, 0):
            made = worker(worker=template(terminationGracePeriodSeconds=grace))
            assert pod_of(made)["terminationGracePeriodSeconds"] == grace
            assert float(env_of(made)["BATCHPROCESS_GRACE_SECONDS"]) == grace
        assert pod_of(worker())["terminationGracePeriodSeconds"] == 60


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
        first = worker_job(one.body, one.identity, ROAD)
        assert worker_job(one.body, one.identity, ROAD) == first
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
        assert pod_of(made)["tolerations"] == []
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

    def test_is_one_pod_that_may_be_tried_again(self) -> None:
        spec = finalizer()["spec"]
        assert "completions" not in spec
        assert (spec["backoffLimit"], spec["podReplacementPolicy"]) == (6, "Failed")
        assert finalizer()["metadata"]["name"] == FINALIZER
        assert finalizer()["metadata"]["labels"]["batchprocess.dev/role"] == "finalizer"


class TestNames:
    def test_a_job_made_again_under_the_same_name_has_other_children(self) -> None:
        assert worker_job_name("digits", "aaaaaaaa-1", 0) != worker_job_name(
            "digits", "bbbbbbbb-1", 0
        )

    @pytest.mark.parametrize("retry", [0, 1, 1000])
    def test_even_the_longest_leaves_room_for_the_index_in_a_pods_host_name(self, retry) -> None:
        assert len(worker_job_name("x" * 40, UID, retry) + "-9999") <= 63
        # Not indexed, but its pods carry its name as a label.
        assert len(finalizer_job_name("x" * 40, UID, retry)) <= 63


class TestIdentity:
    def test_ids_of_jobs_compare_by_age(self) -> None:
        assert job().identity.job_id == f"20300101T115820Z-{UID}"

    def test_the_run_is_the_objects_unless_it_is_pinned(self) -> None:
        assert job().identity.run_id == UID
        assert job(runId="again").identity.run_id == "again"

    def test_a_slash_at_the_end_of_the_address_changes_nothing(self) -> None:
        with_slash = job(output={"uri": "s3://bucket/out/"})
        assert with_slash.identity.run_uri == job().identity.run_uri
