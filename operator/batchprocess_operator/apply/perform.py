"""Performing a plan's actions. Each may be repeated, late, or done by a replica at the same time.

Create: one name per child, so a second create is AlreadyExists, and a lost answer is one too.
Patch: says what a field should be, never a difference. Delete and pod changes name the UID.
A status is written only after the actions before it, so that it never promises a child that an
error kept from being there.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from batchprocess.kube import paths
from batchprocess.kube.requests import Object
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    DryRunUnsupported,
    NotFound,
    Rejected,
)
from batchprocess_operator.model.names import ANNOTATION_FINALIZER, ANNOTATION_IGNORED
from batchprocess_operator.model.plan import (
    Action,
    CheckFinalizer,
    CreateJob,
    DeleteJob,
    GiveUpPod,
    PatchJob,
    ResetBackoff,
)
from batchprocess_operator.observe.read_children import owner_uid

_Create = Callable[[str, Mapping[str, Any]], Awaitable[Object]]
_LOG = logging.getLogger(__name__)
_WOULD_BE_REFUSED = (
    "the finalizer Job, which is made at the end, would be refused (spec.finalizer may be changed)"
)


class NameTakenError(Exception):
    """Another's Job has the name of our child."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whose actions: the job's namespace and UID."""

    namespace: str
    uid: str


async def perform(action: Action, target: Target, api: Api) -> Object | None:
    """Do it; returns the child as the API server has it now, if the action was about one.

    What is gone already needs nothing. Raises NameTakenError, and ApiError for all else.
    """
    match action:
        case CreateJob():
            return await _create(action, target, api)
        case CheckFinalizer(manifest, name, uid, digest):
            await _check(manifest, target, api)
            body = {"metadata": {"uid": uid, "annotations": {ANNOTATION_FINALIZER: digest}}}
            return await _unless_gone(api, paths.child_job(target.namespace, name), body)
        case PatchJob(name, uid, spec):
            body = {"metadata": {"uid": uid}, "spec": dict(spec)}
            return await _unless_gone(api, paths.child_job(target.namespace, name), body)
        case DeleteJob(name, uid):
            try:
                await api.delete(paths.child_job(target.namespace, name), uid=uid)
            except (NotFound, Conflict):
                return None
        case ResetBackoff(name, uid):
            notes = {ANNOTATION_IGNORED: "0"}
            body = {"metadata": {"uid": uid, "annotations": notes}}
            await _unless_gone(api, paths.pod(target.namespace, name), body)
        case GiveUpPod():
            await _give_up(action, target, api)
    return None


async def _create(action: CreateJob, target: Target, api: Api) -> Object:
    if action.later is not None:
        try:
            await _check(action.later, target, api)
        except (Rejected, Denied):
            # What the finalizer has from the workers is to be mended there, and told of them.
            with suppress(DryRunUnsupported):
                await _create_job(action.manifest, target, api, api.dry_run)
            raise
    return await _create_job(action.manifest, target, api, api.create)


async def _check(manifest: Mapping[str, Any], target: Target, api: Api) -> None:
    """Whether the API server would take a Job; its refusal as if it had been created."""
    try:
        await _create_job(manifest, target, api, api.dry_run)
    except DryRunUnsupported as error:
        _LOG.info("%s cannot be checked: %s", manifest["metadata"]["name"], error)
    except (Rejected, Denied) as error:
        raise type(error)(f"{_WOULD_BE_REFUSED}: {error}") from error


async def _create_job(
    manifest: Mapping[str, Any], target: Target, api: Api, create: _Create
) -> Object:
    name = manifest["metadata"]["name"]
    try:
        return await create(paths.child_jobs(target.namespace), manifest)
    except AlreadyExists:
        found = await api.get(paths.child_job(target.namespace, name))
    if owner_uid(found) != target.uid:
        raise NameTakenError(
            f"a Job named {name} exists and does not belong to this job: delete it, or "
            "apply this job under another name"
        )
    return found


async def _unless_gone(api: Api, path: str, body: Mapping[str, Any]) -> Object | None:
    try:
        return await api.merge(path, body)
    except (NotFound, Conflict):
        # Gone, or another object by now: a later pass decides anew.
        return None


async def _give_up(action: GiveUpPod, target: Target, api: Api) -> None:
    """As PodGC does it: phase Failed and DisruptionTarget, so that the Job replaces the pod.

    Its processes may live on behind a partition; their next record meets the replacement's claim.
    """
    path = paths.pod(target.namespace, action.name)
    try:
        pod = await api.get(path)
        if pod["metadata"]["uid"] != action.uid:
            return
        await api.merge(f"{path}/status", _failed(pod, action.node))
    except (NotFound, Conflict):
        return


def _failed(pod: Object, node: str) -> dict[str, Any]:
    others = [
        one for one in pod["status"].get("conditions") or () if one["type"] != "DisruptionTarget"
    ]
    message = f"node {node} is gone and cannot say whether the pod has ended"
    lost = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "NodeLost",
        "message": message,
    }
    return {
        "metadata": {"uid": pod["metadata"]["uid"]}
        | {"resourceVersion": pod["metadata"]["resourceVersion"]},
        "status": {
            "phase": "Failed",
            "reason": "NodeLost",
            "message": message,
            "conditions": [*others, lost],
        },
    }
