"""A pod's settings, as Kubernetes environment entries of its container."""

from collections.abc import Iterable
from typing import Any

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.names import LABEL_INDEX
from batchprocess.kube.pods.environment import plain_entries, secret_entries, with_ca
from batchprocess.kube.pods.pod import SOURCE_FOLDER
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.variables import INDEX, NODE
from batchprocess_operator.model.identity import JobIdentity

TERMINATION_LOG = "/dev/termination-log"


def pod_environment(
    job: BatchProcessJob, identity: JobIdentity, shards: Iterable[int] | None, grace_seconds: int
) -> WorkerEnvironment:
    """The settings of every worker of one child; `shards` only for a retry."""
    plain = worker_environment(job, run_uri=identity.run_uri, job_id=identity.job_id)
    return with_ca(plain, job).model_copy(
        update={
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
    entries = plain_entries(environment)
    if indexed:
        index = {"fieldRef": {"fieldPath": f"metadata.labels['{LABEL_INDEX}']"}}
        entries.append({"name": INDEX, "valueFrom": index})
        node = {"fieldRef": {"fieldPath": "spec.nodeName"}}
        entries.append({"name": NODE, "valueFrom": node})
    return [*entries, *secret_entries(job)]
