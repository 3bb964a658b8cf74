"""The two child Jobs of a BatchProcessJob, as manifests."""

from collections.abc import Iterable, Mapping
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.index_ranges import format_ranges
from batchprocess.kube.names import (
    ANNOTATION_SHARDS,
    LABEL_JOB,
    LABEL_JOB_UID,
    LABEL_ROLE,
)
from batchprocess.kube.pods.pod import command_of
from batchprocess.kube.pods.spelling import Spelling, literal
from batchprocess.kube.pods.user_template import user_metadata
from batchprocess.protocol.job_object import API_VERSION, KIND
from batchprocess_operator.manifests.environment import env_entries, pod_environment
from batchprocess_operator.manifests.finalizer_template import finalizer_digest, finalizer_metadata
from batchprocess_operator.manifests.pod import (
    finalizer_grace_seconds,
    finalizer_pod,
    worker_grace_seconds,
    worker_pod,
)
from batchprocess_operator.manifests.pod_failure_policy import finalizer_policy, worker_policy
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.names import (
    ANNOTATION_ELASTIC,
    ANNOTATION_FINALIZER,
    ANNOTATION_LITERAL,
    ANNOTATION_RETRY,
    LABEL_QUEUE,
    finalizer_job_name,
    worker_job_name,
)
from batchprocess_operator.model.report_address import ReportAddress

_FINALIZER_TRIES = 6


def worker_job(
    job: BatchProcessJob,
    identity: JobIdentity,
    address: ReportAddress | None,
    shards: frozenset[int] | None = None,
    spell: Spelling = literal,
) -> dict[str, Any]:
    """The indexed Job over all shards, or over `shards` for a retry."""
    spec, policy = job.spec, job.spec.failure_policy
    environment = pod_environment(job, identity, shards, worker_grace_seconds(job))
    env = [
        *env_entries(environment, job),
        *(address.env_entries() if address else ()),
    ]
    body: dict[str, Any] = {
        "completionMode": "Indexed",
        "completions": environment.workers,
        "parallelism": spec.parallelism,
        "backoffLimitPerIndex": policy.max_retries_per_shard,
        # Failed: a replacement starts only once the old pod has ended, or is known to be lost.
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": worker_policy(fail_on_user_code=policy.on_batch_error == "fail"),
        "suspend": spec.suspend or spec.queue_name is not None,
        "template": {
            "metadata": _pod_metadata(
                user_metadata(spec.worker.template), identity, "worker", shards
            ),
            "spec": worker_pod(job, identity.namespace, identity.uid, env, spell),
        },
    }
    if spec.timeouts.active_deadline_seconds is not None:
        body["activeDeadlineSeconds"] = spec.timeouts.active_deadline_seconds
    # With several shards a pod an index is no shard: then the operator counts.
    if policy.max_failed_shards is not None and spec.worker.processes_per_worker == 1:
        body["maxFailedIndexes"] = min(policy.max_failed_shards, environment.workers)
    name = worker_job_name(identity.name, identity.uid, spec.retry)
    notes = _annotations(shards) | _spelled(job, env, spell)
    if spec.elastic:
        notes[ANNOTATION_ELASTIC] = "true"
    return _manifest(job, identity, name, "worker", body, notes)


def finalizer_job(
    job: BatchProcessJob,
    identity: JobIdentity,
    failed: Iterable[int] = (),
    spell: Spelling = literal,
) -> dict[str, Any]:
    """One pod that turns complete ledgers into manifest, summary and _SUCCESS.

    Only shards in `failed` may it close as failed.
    """
    environment = pod_environment(job, identity, None, finalizer_grace_seconds(job))
    environment = environment.model_copy(update={"failed_shards": tuple(sorted(failed))})
    env = env_entries(environment, job, indexed=False)
    body = {
        "backoffLimit": _FINALIZER_TRIES,
        # Whatever keeps it: a pod that finds no node, a store that never answers (88 is ignored).
        "activeDeadlineSeconds": job.spec.finalizer.active_deadline_seconds,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": finalizer_policy(),
        "suspend": job.spec.queue_name is not None,
        "template": {
            "metadata": _pod_metadata(finalizer_metadata(job), identity, "finalizer", None),
            "spec": finalizer_pod(job, identity.namespace, identity.uid, env, spell),
        },
    }
    name = finalizer_job_name(identity.name, identity.uid, job.spec.retry)
    return _manifest(job, identity, name, "finalizer", body, _spelled(job, env, spell))


def _manifest(
    job: BatchProcessJob,
    identity: JobIdentity,
    name: str,
    role: str,
    body: dict[str, Any],
    notes: Mapping[str, str],
) -> dict[str, Any]:
    labels = _labels(identity, role)
    if job.spec.queue_name is not None:
        labels[LABEL_QUEUE] = job.spec.queue_name
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": identity.namespace,
            "labels": labels,
            "annotations": {
                **notes,
                ANNOTATION_RETRY: str(job.spec.retry),
                ANNOTATION_FINALIZER: finalizer_digest(job),
            },
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": identity.name,
                    "uid": identity.uid,
                    "controller": True,
                    # Deleting the job must not wait for us, nor for pods on lost nodes.
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": body,
    }


def _pod_metadata(
    user: tuple[dict[str, str], dict[str, str]],
    identity: JobIdentity,
    role: str,
    shards: Iterable[int] | None,
) -> dict[str, Any]:
    labels, annotations = user
    return {
        "labels": labels | _labels(identity, role),
        "annotations": annotations | _annotations(shards),
    }


def _labels(identity: JobIdentity, role: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/managed-by": "batchprocess-operator",
        LABEL_JOB: identity.name,
        LABEL_JOB_UID: identity.uid,
        LABEL_ROLE: role,
    }


def _annotations(shards: Iterable[int] | None) -> dict[str, str]:
    return {} if shards is None else {ANNOTATION_SHARDS: format_ranges(shards)}


def _spelled(
    job: BatchProcessJob, env: Iterable[Mapping[str, Any]], spell: Spelling
) -> dict[str, str]:
    """Said only where it makes a difference: which text the run's other pods must have."""
    texts = [*command_of(job), *(entry.get("value", "") for entry in env)]
    return {ANNOTATION_LITERAL: "true"} if any(spell(text) != text for text in texts) else {}
