"""What of the workers' template the finalizer's pod has, under what the job gives it. Pure.

It is the same image with the same code, account, network, files and helpers on any machine that
can run it: what says what the pod is, is inherited; what says where workers run, how large they
are and what they wait for, is not.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.kubernetes import names
from batchprocess.kube.pods.user_template import (
    appended,
    entries,
    mapping,
    user_container,
    user_metadata,
    user_pod,
)
from batchprocess_operator.manifests.devices import asks_for_devices, workers_ask_for_devices
from batchprocess_operator.manifests.image_platform import platform_affinity, platform_selector

INHERITED = names(
    """
    automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC
    hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers os
    overhead preemptionPolicy priority priorityClassName runtimeClassName schedulerName
    securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace
    subdomain terminationGracePeriodSeconds tolerations volumes
    """
)
"""Fields of the workers' pods. Some of them only in part, see below."""
LEFT_OUT = names(
    """
    activeDeadlineSeconds affinity nodeName nodeSelector readinessGates resourceClaims resources
    schedulingGates topologySpreadConstraints workloadRef
    """
)
"""Where workers run, how large they are, and what they wait for."""
CONTAINER_LEFT_OUT = frozenset({"livenessProbe", "readinessProbe", "resources", "startupProbe"})
"""Of container `worker`: probes ask for what workers do."""
_RUNTIME = ("runtimeClassName", "overhead")
Pod = dict[str, Any]


def finalizer_template(job: BatchProcessJob) -> tuple[Pod, dict[str, Any]]:
    """Pod spec without its container, and the container; both without what is ours."""
    own = job.spec.finalizer
    given = _without_nulls(user_pod(own.template))
    container = _container(job)
    pod = _inherited(job, container) | given
    pod["nodeSelector"] = _node_selector(job, given)
    affinity = platform_affinity(
        user_pod(job.spec.worker.template), but=mapping(pod["nodeSelector"])
    )
    if affinity is not None:
        pod.setdefault("affinity", affinity)
    pod["tolerations"] = appended(pod.get("tolerations"), own.tolerations)
    if "volumes" not in given:
        pod["volumes"] = _mounted(pod, [container, *(pod.get("initContainers") or ())])
    return pod, container


def finalizer_metadata(job: BatchProcessJob) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations: the workers', and those that it is given over them."""
    labels, annotations = user_metadata(job.spec.worker.template)
    more, notes = user_metadata(job.spec.finalizer.template)
    return labels | more, annotations | notes


def finalizer_digest(job: BatchProcessJob) -> str:
    """Of all in spec.finalizer that is in a pod: whether one was made of what it says now.

    Without defaults, so that a new field of a later release changes nothing.
    """
    own = job.spec.finalizer.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"active_deadline_seconds"}
    )
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]


def _container(job: BatchProcessJob) -> dict[str, Any]:
    workers = user_container(job.spec.worker.template)
    given = _without_nulls(user_container(job.spec.finalizer.template))
    return {key: workers[key] for key in workers if key not in CONTAINER_LEFT_OUT} | given


def _inherited(job: BatchProcessJob, container: Mapping[str, Any]) -> Pod:
    workers = user_pod(job.spec.worker.template)
    pod = {key: workers[key] for key in workers if key in INHERITED}
    helpers = pod.get("initContainers") or ()
    pod["initContainers"] = [one for one in helpers if not asks_for_devices(one)]
    with_devices = job.spec.finalizer.gpus > 0 or asks_for_devices(container)
    if workers_ask_for_devices(job) and not with_devices:
        # It may be the runtime of their devices, which other nodes do not have.
        pod = {key: value for key, value in pod.items() if key not in _RUNTIME}
    return pod


def _node_selector(job: BatchProcessJob, given: Mapping[str, Any]) -> Any:
    """What it is given, and the platform that the workers' image is said to be for."""
    own = given.get("nodeSelector", {})
    if not isinstance(own, dict):
        return own
    platform = platform_selector(user_pod(job.spec.worker.template))
    return platform | own | dict(job.spec.finalizer.node_selector)


def _mounted(pod: Pod, containers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Volumes that a container uses: another may be on the workers' nodes only."""
    used = {
        str(mount.get("name"))
        for one in containers
        for kind in ("volumeMounts", "volumeDevices")
        for mount in entries(one.get(kind))
    }
    return [volume for volume in pod.get("volumes") or () if volume["name"] in used]


def _without_nulls(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
