"""Which containers ask for devices: the finalizer does without them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.pods.user_template import user_container, user_pod

_OF_KUBERNETES = "kubernetes.io/"
_NONE = frozenset("0.")


def asks_for_devices(container: Mapping[str, Any]) -> bool:
    """Whether it asks for a resource that only some nodes have: nvidia.com/gpu, or a claim.

    Kubernetes takes a name with a domain other than its own for such an extended resource.
    """
    resources = container.get("resources") or {}
    asked = any(
        "/" in name and _OF_KUBERNETES not in name and not _is_none(amount)
        for name, amount in _amounts(resources)
    )
    return asked or bool(resources.get("claims"))


def workers_ask_for_devices(job: BatchProcessJob) -> bool:
    """Whether any container of a worker's pod does."""
    worker = job.spec.worker
    beside = user_pod(worker.template).get("initContainers") or ()
    containers = (user_container(worker.template), *beside)
    return worker.gpus > 0 or any(asks_for_devices(one) for one in containers)


def _amounts(resources: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for kind in ("limits", "requests"):
        yield from (resources.get(kind) or {}).items()


def _is_none(amount: Any) -> bool:
    """Of an extended resource there are whole numbers only, 0 or 0.0 of them without a suffix."""
    return amount is None or set(str(amount)) <= _NONE
