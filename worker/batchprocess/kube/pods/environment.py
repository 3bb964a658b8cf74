"""A pod's settings, as entries of its container's `env`. Pure."""

from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.variables import INDEX

CA_FOLDER = "/batchprocess/ca"
_KEYS = {"AWS_ACCESS_KEY_ID": False, "AWS_SECRET_ACCESS_KEY": False, "AWS_SESSION_TOKEN": True}
"""Keys of a Secret for storage, and whether it may do without."""
Entry = dict[str, Any]


def with_ca(environment: WorkerEnvironment, job: BatchProcessJob) -> WorkerEnvironment:
    """The settings with where a pod has the certificates of its storage, if the job names any."""
    if job.spec.output.s3.ca_bundle_config_map is None:
        return environment
    s3 = environment.s3.model_copy(update={"ca_bundle": f"{CA_FOLDER}/ca.crt"})
    return environment.model_copy(update={"s3": s3})


def plain_entries(environment: WorkerEnvironment) -> list[Entry]:
    """All settings but the index, which pods of one Job do not have in common."""
    settings = environment.to_env().items()
    return [{"name": name, "value": value} for name, value in settings if name != INDEX]


def secret_entries(job: BatchProcessJob) -> list[Entry]:
    """Keys for storage, from the Secret that the job names; never written down."""
    secret = job.spec.output.s3.credentials_secret
    if secret is None:
        return []
    return [_from_secret(key, secret, optional=optional) for key, optional in _KEYS.items()]


def _from_secret(key: str, secret: str, *, optional: bool) -> Entry:
    reference: dict[str, Any] = {"name": secret, "key": key}
    if optional:
        reference["optional"] = True
    return {"name": key, "valueFrom": {"secretKeyRef": reference}}
