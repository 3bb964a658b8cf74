"""The Job of one pod that plans. Pure.

It is the worker's pod as far as that matters: image, account, environment, Secret, source, volumes,
node. Without its GPUs: the code is imported and the dataset counted, and nothing is computed.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.protocol.dry_run import DryRunQuestion
from batchprocess.protocol.job_object import GROUP
from batchprocess.protocol.variables import INDEX

LABEL_PLAN = f"{GROUP}/plan"
CONTAINER = "worker"
PLAN_SECONDS = 1_800
KEPT_SECONDS = 600
"""Of a Job that nobody has deleted, because who asked for it has died."""
_GRACE_SECONDS = 5
_SOURCE, _CA = "/batchprocess/source", "/batchprocess/ca"
_NO_JOB = "00000000T000000Z-plan"
_SECRET = {"AWS_ACCESS_KEY_ID": False, "AWS_SECRET_ACCESS_KEY": False, "AWS_SESSION_TOKEN": True}
_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
Object = dict[str, Any]


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


def _metadata(template: Mapping[str, Any], labels: Mapping[str, str]) -> Object:
    given = deepcopy(template.get("metadata") or {})
    return {**given, "labels": {**(given.get("labels") or {}), **labels}}


def _pod(job: BatchProcessJob) -> Object:
    given = deepcopy(job.spec.worker.template.get("spec") or {})
    containers = given.pop("containers", None) or [{}]
    mounts, volumes = _volumes(job)
    container = dict(containers[0])
    container |= {
        "name": CONTAINER,
        "command": [_literal(word) for word in _command(job)],
        "env": [*(container.get("env") or ()), *_env(job)],
        "volumeMounts": [*(container.get("volumeMounts") or ()), *mounts],
        "resources": _without_devices(container.get("resources") or {}),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    container.setdefault("image", job.spec.image)
    container.setdefault("securityContext", _SECURITY)
    if job.spec.source is not None:
        container["workingDir"] = _SOURCE
    given |= {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [*(given.get("volumes") or ()), *volumes],
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
    }
    given.setdefault("automountServiceAccountToken", False)
    given.setdefault("enableServiceLinks", False)
    return given


def _command(job: BatchProcessJob) -> list[str]:
    python = job.spec.worker.python
    entry = list(job.spec.command) or [python, "-m", "batchprocess.sdk"]
    return [python, "-m", "batchprocess.agent", "--plan", "--", *entry]


def _env(job: BatchProcessJob) -> list[Object]:
    root = f"{(job.spec.output.uri or '').rstrip('/')}/{job.metadata.name}"
    plain = worker_environment(job, run_uri=f"{root}/plan", job_id=_NO_JOB)
    s3 = plain.s3
    if job.spec.output.s3.ca_bundle_config_map is not None:
        s3 = s3.model_copy(update={"ca_bundle": f"{_CA}/ca.crt"})
    values = plain.model_copy(update={"s3": s3, "shard": 0}).to_env() | DryRunQuestion().to_env()
    entries: list[Object] = [
        {"name": name, "value": _literal(value)} for name, value in values.items() if name != INDEX
    ]
    secret = job.spec.output.s3.credentials_secret
    for key, optional in _SECRET.items() if secret is not None else ():
        reference = {"name": secret, "key": key} | ({"optional": True} if optional else {})
        entries.append({"name": key, "valueFrom": {"secretKeyRef": reference}})
    return entries


def _volumes(job: BatchProcessJob) -> tuple[list[Object], list[Object]]:
    wanted: list[tuple[str, str, Object]] = [
        ("shm", "/dev/shm", {"emptyDir": {"medium": "Memory"}})  # noqa: S108
    ]
    if job.spec.source is not None:
        wanted.append(("source", _SOURCE, {"configMap": {"name": job.spec.source.config_map}}))
    bundle = job.spec.output.s3.ca_bundle_config_map
    if bundle is not None:
        wanted.append(("ca", _CA, {"configMap": {"name": bundle}}))
    mounts = [{"name": f"batchprocess-{name}", "mountPath": path} for name, path, _ in wanted]
    return mounts, [{"name": f"batchprocess-{name}", **volume} for name, _, volume in wanted]


def _without_devices(resources: Mapping[str, Any]) -> Object:
    """What is shared by all pods of a machine: cpu, memory, ephemeral-storage."""
    kept = {
        kind: {
            name: value for name, value in (resources.get(kind) or {}).items() if "/" not in name
        }
        for kind in ("requests", "limits")
    }
    return {kind: values for kind, values in kept.items() if values}


def _literal(text: str) -> str:
    """So that Kubernetes gives it as it is: it expands `$(NAME)`."""
    return text.replace("$", "$$")
