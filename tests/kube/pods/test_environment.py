"""What every pod of a job is told, whoever makes it."""

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.pods.environment import plain_entries, secret_entries, with_ca
from batchprocess.protocol.environment import WorkerEnvironment
from support.job_cases import job, spec


def made(**s3: str) -> BatchProcessJob:
    return BatchProcessJob.model_validate(job(spec(output={"s3": s3})))


def settings(given: BatchProcessJob) -> WorkerEnvironment:
    return worker_environment(given, run_uri="s3://bucket/run", job_id="20300101T000000Z-u")


def test_settings_are_all_but_the_index() -> None:
    told = settings(made()).model_copy(update={"shard": 3})
    entries = {one["name"]: one["value"] for one in plain_entries(told)}
    assert entries.keys() == told.to_env().keys() - {"BATCHPROCESS_INDEX"}
    assert entries["BATCHPROCESS_SHARD"] == "3"


def test_certificates_are_where_the_pod_has_them_if_the_job_names_any() -> None:
    plain = made()
    assert with_ca(settings(plain), plain) == settings(plain)
    given = made(caBundleConfigMap="ca")
    assert with_ca(settings(given), given).s3.ca_bundle == "/batchprocess/ca/ca.crt"


def test_keys_are_the_secrets_and_a_session_token_may_be_missing() -> None:
    assert secret_entries(made()) == []
    references = [
        one["valueFrom"]["secretKeyRef"] for one in secret_entries(made(credentialsSecret="k"))
    ]
    assert references == [
        {"name": "k", "key": "AWS_ACCESS_KEY_ID"},
        {"name": "k", "key": "AWS_SECRET_ACCESS_KEY"},
        {"name": "k", "key": "AWS_SESSION_TOKEN", "optional": True},
    ]
