"""Pod specs of worker and finalizer: the user's template under what is ours."""

from collections.abc import Mapping
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.pods.pod import Mounted, command_of, finished
from batchprocess.kube.pods.spelling import Spelling, spell_values
from batchprocess.kube.pods.user_template import appended, user_container, user_pod
from batchprocess.protocol.job_object import token_audience
from batchprocess_operator.manifests.environment import TERMINATION_LOG
from batchprocess_operator.manifests.finalizer_template import finalizer_template
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
    container["terminationMessagePath"] = TERMINATION_LOG
    pod = finished(job, pod, container, env, [_token(namespace, uid)])
    # The agent is told the same, and must have ended before.
    pod["terminationGracePeriodSeconds"] = _grace_seconds(pod)
    return pod


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


def _token(namespace: str, uid: str) -> Mounted:
    """Good for reports of this job's progress only."""
    token = {
        "path": "token",
        "audience": token_audience(namespace, uid),
        "expirationSeconds": _TOKEN_SECONDS,
    }
    return "token", TOKEN_FOLDER, {"projected": {"sources": [{"serviceAccountToken": token}]}}


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
