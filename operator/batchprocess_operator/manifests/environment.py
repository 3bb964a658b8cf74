"""A pod's settings, as Kubernetes environment entries of its container."""

from collections.abc import Iterable
from typing import Any

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.names import LABEL_INDEX
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.variables import INDEX, NODE
from batchprocess_operator.model.identity import JobIdentity

CA_FOLDER = "/batchprocess/ca"
SOURCE_FOLDER = "/batchprocess/source"
TERMINATION_LOG = "/dev/termination-log"
_REQUIRED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_OPTIONAL = ("AWS_SESSION_TOKEN",)


def pod_environment(
    job: BatchProcessJob, identity: JobIdentity, shards: Iterable[int] | None, grace_seconds: int
) -> WorkerEnvironment:
    """The settings of every worker of one child; `shards` only for a retry."""
    plain = worker_environment(job, run_uri=identity.run_uri, job_id=identity.job_id)
    s3 = plain.s3
    if job.spec.output.s3.ca_bundle_config_map is not None:
        s3 = s3.model_copy(update={"ca_bundle": f"{CA_FOLDER}/ca.crt"})
    return plain.model_copy(
        update={
            "s3": s3,
            "shard_list": None if shards is None else tuple(sorted(shards)),
            "grace_seconds": grace_seconds,
            "source_folder": None if job.spec.source is None else SOURCE_FOLDER,
            "termination_log": TERMINATION_LOG,
        }
    )


def env_entries(
    environment: WorkerEnvironment, job: BatchProcessJob, *, indexed: bool = True
) -> list[dict[str, Any]]:
    """Our part of `env`: plain values, the index from the pod's label, keys from the Secret."""
    entries: list[dict[str, Any]] = [
        {"name": name, "value": value}
        for name, value in environment.to_env().items()
        if name != INDEX
    ]
    if indexed:
        index = {"fieldRef": {"fieldPath": f"metadata.labels['{LABEL_INDEX}']"}}
        entries.append({"name": INDEX, "valueFrom": index})
        node = {"fieldRef": {"fieldPath": "spec.nodeName"}}
        entries.append({"name": NODE, "valueFrom": node})
    secret = job.spec.output.s3.credentials_secret
    if secret is not None:
        entries += [_from_secret(key, secret, optional=False) for key in _REQUIRED]
        entries += [_from_secret(key, secret, optional=True) for key in _OPTIONAL]
    return entries


def _from_secret(key: str, secret: str, *, optional: bool) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": secret, "key": key}
    if optional:
        reference["optional"] = True
    return {"name": key, "valueFrom": {"secretKeyRef": reference}}
