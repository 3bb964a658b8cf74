"""The user's pod template as plain objects. What in it would be ours, its model has refused."""

from copy import deepcopy
from typing import Any

from batchprocess.api.job import BatchProcessJob


def user_pod(job: BatchProcessJob) -> dict[str, Any]:
    """The template's pod spec, without its container `worker`."""
    spec = _template(job).get("spec", {})
    return {key: value for key, value in spec.items() if key != "containers"}


def user_container(job: BatchProcessJob) -> dict[str, Any]:
    """The template's container `worker`, empty if there is none."""
    containers = _template(job).get("spec", {}).get("containers") or [{}]
    return dict(containers[0])


def user_metadata(job: BatchProcessJob) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations."""
    meta = _template(job).get("metadata", {})
    return meta.get("labels") or {}, meta.get("annotations") or {}


def _template(job: BatchProcessJob) -> dict[str, Any]:
    # A copy: what is built from it is changed on the way.
    return deepcopy(job.spec.worker.template)
