"""Pod specs of worker and finalizer: the user's template under what is ours."""

from collections.abc import Mapping
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.names import WORKER_CONTAINER
from batchprocess.protocol.job_object import token_audience
from batchprocess_operator.manifests.environment import (
    CA_FOLDER,
    SOURCE_FOLDER,
    TERMINATION_LOG,
)
from batchprocess_operator.manifests.finalizer_template import finalizer_template
from batchprocess_operator.manifests.spelling import Spelling, spell_values
from batchprocess_operator.manifests.user_template import appended, user_container, user_pod
from batchprocess_operator.model.report_address import TOKEN_FOLDER

DEFAULT_GRACE_SECONDS = 60
_NULL_GRACE_SECONDS = 30
_TOKEN_SECONDS = 3600
_LOST_NODE_SECONDS = 30
"""Kubernetes' own default is 300: until then an unreachable node's shards wait."""
_FINALIZER_RESOURCES = {"requests": {"cpu": "1", "memory": "4Gi"}}
_SCRATCH = {"requests": {"ephemeral-storage": "1Gi"}, "limits": {"ephemeral-storage": "50Gi"}}
"""Eviction for exceeding a limit is counted as a failure; a node running full would not be, and
the pod would fill the next node as well."""


def worker_grace_seconds(job: BatchProcessJob) -> int:
    """Seconds that a worker has once it is asked to stop."""
    return _grace_seconds(user_pod(job.spec.worker.template))


def finalizer_grace_seconds(job: BatchProcessJob) -> int:
    """Seconds that a finalizer has."""
    return _grace_seconds(finalizer_template(job)[0])


def _grace_seconds(pod: Mapping[str, Any]) -> int:
    """What the user's template says, else 60; for null the API server's own default."""
    given = pod.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    return _NULL_GRACE_SECONDS if given is None else int(given)


def worker_pod(
    job: BatchProcessJob, namespace: str, uid: str, env: list[dict[str, Any]], spell: Spelling
) -> dict[str, Any]:
    """The spec of a worker's pod."""
    worker = job.spec.worker
    pod, container = user_pod(worker.template), user_container(worker.template)
    container["resources"] = _resources(container.get("resources"), worker.gpus)
    container["command"] = [spell(word) for word in command_of(job)]
    pod["tolerations"] = appended(pod.get("tolerations"), _tolerations())
    return _finish(job, namespace, uid, pod, container, spell_values(env, spell))


def finalizer_pod(
    job: BatchProcessJob, namespace: str, uid: str, env: list[dict[str, Any]], spell: Spelling
) -> dict[str, Any]:
    """The worker's image, account, environment, helpers and volumes, on a machine without GPU."""
    own = job.spec.finalizer
    pod, container = finalizer_template(job)
    given = own.resources or container.get("resources") or _FINALIZER_RESOURCES
    container["resources"] = _resources(given, own.gpus)
    container["command"] = [spell(word) for word in command_of(job, "--finalize")]
    return _finish(job, namespace, uid, pod, container, spell_values(env, spell))


def _finish(
    job: BatchProcessJob,
    namespace: str,
    uid: str,
    pod: dict[str, Any],
    container: dict[str, Any],
    env: list[dict[str, Any]],
) -> dict[str, Any]:
    mounts, volumes = _volumes(job, namespace, uid)
    container |= {
        "name": WORKER_CONTAINER,
        "env": [*(container.get("env") or ()), *env],
        "volumeMounts": [*(container.get("volumeMounts") or ()), *mounts],
        "terminationMessagePath": TERMINATION_LOG,
        # An image without batchprocess has nothing but its log to say so with.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    container.setdefault("image", job.spec.image)
    container.setdefault("securityContext", _SECURITY)
    if job.spec.source is not None:
        container["workingDir"] = SOURCE_FOLDER
    pod |= {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [*(pod.get("volumes") or ()), *volumes],
    }
    # The agent is told the same, and must have ended before.
    pod["terminationGracePeriodSeconds"] = _grace_seconds(pod)
    # Workers talk to storage and to our endpoint, never to the API server.
    pod.setdefault("automountServiceAccountToken", False)
    pod.setdefault("enableServiceLinks", False)
    return pod


def command_of(job: BatchProcessJob, *options: str) -> list[str]:
    """The agent's, with the user's command behind it."""
    python = job.spec.worker.python
    entry = list(job.spec.command) or [python, "-m", "batchprocess.sdk"]
    return [python, "-m", "batchprocess.agent", *options, "--", *entry]


def _resources(given: Mapping[str, Any] | None, gpus: int) -> dict[str, Any]:
    given = given or {}
    resources = {kind: dict(given.get(kind) or {}) for kind in ("requests", "limits")}
    claims = {key: value for key, value in given.items() if key not in resources}
    if not any("ephemeral-storage" in values for values in resources.values()):
        for kind, values in _SCRATCH.items():
            resources[kind] |= values
    if gpus:
        resources["limits"]["nvidia.com/gpu"] = str(gpus)
    return claims | {kind: values for kind, values in resources.items() if values}


def _volumes(
    job: BatchProcessJob, namespace: str, uid: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    token = {
        "path": "token",
        "audience": token_audience(namespace, uid),
        "expirationSeconds": _TOKEN_SECONDS,
    }
    wanted: list[tuple[str, str, dict[str, Any]]] = [
        # Loader workers pass batches through shared memory; the default of 64 MiB is too little.
        ("shm", "/dev/shm", {"emptyDir": {"medium": "Memory"}}),  # noqa: S108
        ("token", TOKEN_FOLDER, {"projected": {"sources": [{"serviceAccountToken": token}]}}),
    ]
    if job.spec.source is not None:
        source = {"configMap": {"name": job.spec.source.config_map}}
        wanted.append(("source", SOURCE_FOLDER, source))
    bundle = job.spec.output.s3.ca_bundle_config_map
    if bundle is not None:
        wanted.append(("ca", CA_FOLDER, {"configMap": {"name": bundle}}))
    mounts = [
        {"name": f"batchprocess-{name}", "mountPath": path}
        | ({} if name == "shm" else {"readOnly": True})
        for name, path, _ in wanted
    ]
    return mounts, [{"name": f"batchprocess-{name}", **volume} for name, _, volume in wanted]


def _tolerations() -> list[dict[str, Any]]:
    return [
        {
            "key": f"node.kubernetes.io/{state}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": _LOST_NODE_SECONDS,
        }
        for state in ("not-ready", "unreachable")
    ]


_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
