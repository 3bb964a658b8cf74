"""What a pod is told in its environment."""

from support.operator.manifests import (
    ADDRESS,
    container_of,
    env_of,
    finalizer,
    pod_of,
    template,
    worker,
)
from support.operator.objects import UID


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

    def test_a_worker_is_told_its_node_by_which_failures_are_compared(self) -> None:
        path = {"fieldRef": {"fieldPath": "spec.nodeName"}}
        assert env_of(worker())["BATCHPROCESS_NODE"] == path

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
        env = env_of(worker(address=ADDRESS))
        assert env["BATCHPROCESS_PROGRESS_URL"] == ADDRESS.url
        assert env["BATCHPROCESS_PROGRESS_CA"] == ADDRESS.ca
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

    def test_a_grace_of_null_is_kubernetes_own_for_pod_and_agent(self) -> None:
        null = {"worker": template(terminationGracePeriodSeconds=None)}
        for made in (worker(**null), finalizer(**null)):
            assert pod_of(made)["terminationGracePeriodSeconds"] == 30
            assert float(env_of(made)["BATCHPROCESS_GRACE_SECONDS"]) == 30
