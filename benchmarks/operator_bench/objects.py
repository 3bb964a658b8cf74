"""Jobs to be applied, and the bare Job that they are compared with."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.names import LABEL_ROLE, WORKER_CONTAINER
from batchprocess.protocol.job_object import API_VERSION, KIND
from batchprocess_operator.manifests.jobs import worker_job
from batchprocess_operator.model.identity import JobIdentity, run_uri_of


def job(name: str, shards: int, parallelism: int, *, suspend: bool = False) -> dict[str, Any]:
    """A BatchProcessJob."""
    spec = {
        "image": "registry.example/digits:1",
        "processor": "inference:InferenceProcessor",
        "dataset": "inference:dataset",
        "shards": shards,
        "parallelism": parallelism,
        "suspend": suspend,
        "batchSize": 64,
        "output": {"uri": "s3://bucket/runs", "s3": {"credentialsSecret": "s3-creds"}},
    }
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def bare(name: str, completions: int, parallelism: int) -> dict[str, Any]:
    """An Indexed Job with nothing in it but a container."""
    resources = {"requests": {"ephemeral-storage": "1Gi"}, "limits": {"ephemeral-storage": "50Gi"}}
    container = {"name": WORKER_CONTAINER, "image": "registry.example/digits:1"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "completionMode": "Indexed",
            "completions": completions,
            "parallelism": parallelism,
            "template": {
                "metadata": {"labels": {LABEL_ROLE: "worker"}},
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{**container, "resources": resources}],
                },
            },
        },
    }


def by_hand(name: str, shards: int, parallelism: int) -> dict[str, Any]:
    """The worker Job that the operator would create, owned by nobody."""
    body, uid = BatchProcessJob.model_validate(job(name, shards, parallelism)), str(UUID(int=0))
    created = datetime.now(UTC)
    identity = JobIdentity("default", name, uid, created, 1, run_uri_of(body, uid))
    manifest = worker_job(body, identity, address=None)
    del manifest["metadata"]["ownerReferences"]
    return manifest
