"""A pod's spec: what is ours over the user's template. Pure."""

from collections.abc import Iterable
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.names import WORKER_CONTAINER
from batchprocess.kube.pods.environment import CA_FOLDER

SOURCE_FOLDER = "/batchprocess/source"
_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
Object = dict[str, Any]
Mounted = tuple[str, str, Object]
"""A volume's name without our prefix, where it is mounted, and what it is."""


def command_of(job: BatchProcessJob, *options: str) -> list[str]:
    """The agent's, with the user's command behind it."""
    python = job.spec.worker.python
    entry = list(job.spec.command) or [python, "-m", "batchprocess.sdk"]
    return [python, "-m", "batchprocess.agent", *options, "--", *entry]


def finished(
    job: BatchProcessJob,
    pod: Object,
    container: Object,
    env: Iterable[Object],
    more: Iterable[Mounted] = (),
) -> Object:
    """`pod` with `container` as its only one, both with what every pod of ours has.

    env, more: entries and volumes that are ours.
    """
    mounts, volumes = _volumes(job, more)
    container |= {
        "name": WORKER_CONTAINER,
        "env": [*(container.get("env") or ()), *env],
        "volumeMounts": [*(container.get("volumeMounts") or ()), *mounts],
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
    # Pods talk to storage and to the operator's endpoint, never to the API server.
    pod.setdefault("automountServiceAccountToken", False)
    pod.setdefault("enableServiceLinks", False)
    return pod


def _volumes(job: BatchProcessJob, more: Iterable[Mounted]) -> tuple[list[Object], list[Object]]:
    wanted: list[Mounted] = [
        # Loader workers pass batches through shared memory; the default of 64 MiB is too little.
        ("shm", "/dev/shm", {"emptyDir": {"medium": "Memory"}}),  # noqa: S108
        *more,
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
