"""The Job of one pod that plans. Pure.

It is the worker's pod as far as that matters: image, account, environment, Secret, source, volumes,
node. Without its GPUs: the code is imported and the dataset counted, and nothing is computed.
"""

from collections.abc import Mapping
from typing import Any

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.pods.environment import plain_entries, secret_entries, with_ca
from batchprocess.kube.pods.pod import Object, command_of, finished
from batchprocess.kube.pods.spelling import literal, spell_values
from batchprocess.kube.pods.user_template import user_container, user_metadata, user_pod
from batchprocess.protocol.dry_run import DryRunQuestion
from batchprocess.protocol.job_object import GROUP

LABEL_PLAN = f"{GROUP}/plan"
PLAN_SECONDS = 1_800
KEPT_SECONDS = 600
"""Of a Job that nobody has deleted, because who asked for it has died."""
_GRACE_SECONDS = 5
_NO_JOB = "00000000T000000Z-plan"


def plan_job(job: BatchProcessJob, namespace: str, name: str) -> Object:
    """The Job `name`. Its pod has the label `batchprocess.dev/plan` with that name."""
    labels = {LABEL_PLAN: name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": PLAN_SECONDS,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {
                "metadata": _metadata(job.spec.worker.template, labels),
                "spec": _pod(job),
            },
        },
    }


def _metadata(template: Mapping[str, Any], labels: dict[str, str]) -> Object:
    given, notes = user_metadata(template)
    return {"labels": given | labels, "annotations": notes}


def _pod(job: BatchProcessJob) -> Object:
    pod, container = user_pod(job.spec.worker.template), user_container(job.spec.worker.template)
    container["command"] = [literal(word) for word in command_of(job, "--plan")]
    container["resources"] = _without_devices(container.get("resources") or {})
    pod["terminationGracePeriodSeconds"] = _GRACE_SECONDS
    return finished(job, pod, container, [*spell_values(_env(job), literal), *secret_entries(job)])


def _env(job: BatchProcessJob) -> list[Object]:
    root = f"{(job.spec.output.uri or '').rstrip('/')}/{job.metadata.name}"
    asked = worker_environment(job, run_uri=f"{root}/plan", job_id=_NO_JOB)
    told = with_ca(asked, job).model_copy(update={"shard": 0})
    question = DryRunQuestion().to_env().items()
    return [*plain_entries(told), *({"name": name, "value": value} for name, value in question)]


def _without_devices(resources: Mapping[str, Any]) -> Object:
    """What is shared by all pods of a machine: cpu, memory, ephemeral-storage."""
    kept = {
        kind: {
            name: value for name, value in (resources.get(kind) or {}).items() if "/" not in name
        }
        for kind in ("requests", "limits")
    }
    return {kind: values for kind, values in kept.items() if values}
