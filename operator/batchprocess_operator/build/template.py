"""The user's pod template, and what in it is ours.

The CRD refuses most of this at admission; here stands the rest, and the same again for objects
that were stored under an older CRD. A conflict is an error that names the field, never a silent
overwrite.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from batchprocess.protocol.environment import PREFIX
from batchprocess.protocol.errors import InvalidArgument
from batchprocess_operator.names import GROUP, LABEL_INDEX, WORKER_CONTAINER

VOLUME_PREFIX = "batchprocess-"
_TEMPLATE = "spec.worker.template"


def user_pod(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template's pod spec, without its container `worker`. Raises InvalidArgument."""
    _only(template, ("metadata", "spec"), _TEMPLATE)
    spec = dict(_mapping(template.get("spec"), f"{_TEMPLATE}.spec"))
    containers = spec.pop("containers", None) or []
    for one in containers:
        if one.get("name") != WORKER_CONTAINER:
            raise InvalidArgument(
                f"{_TEMPLATE}.spec.containers: {one.get('name')!r} is a second container, with "
                "which the pod would never end: make it a native sidecar (an init container with "
                "restartPolicy Always), or name it worker"
            )
    if "restartPolicy" in spec:
        raise InvalidArgument(f"{_TEMPLATE}.spec.restartPolicy is ours (Never): leave it out")
    for volume in spec.get("volumes") or ():
        if str(volume.get("name", "")).startswith(VOLUME_PREFIX):
            raise InvalidArgument(
                f"{_TEMPLATE}.spec.volumes: {volume['name']!r}: names that begin with "
                f"{VOLUME_PREFIX} are ours: take another"
            )
    return spec


def user_container(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template's container `worker`, empty if there is none. Raises InvalidArgument."""
    spec = _mapping(template.get("spec"), f"{_TEMPLATE}.spec")
    mine = [one for one in spec.get("containers") or () if one.get("name") == WORKER_CONTAINER]
    if not mine:
        return {}
    container = dict(mine[0])
    for key in ("command", "args"):
        if key in container:
            raise InvalidArgument(
                f"{_TEMPLATE}.spec.containers[worker].{key} is ours: give spec.command instead"
            )
    for variable in container.get("env") or ():
        if str(variable.get("name", "")).startswith(PREFIX):
            raise InvalidArgument(
                f"{_TEMPLATE}.spec.containers[worker].env: {variable['name']} is ours: take a name "
                f"that does not begin with {PREFIX}"
            )
    return container


def user_metadata(template: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations. Raises InvalidArgument for keys that are ours."""
    meta = _mapping(template.get("metadata"), f"{_TEMPLATE}.metadata")
    _only(meta, ("labels", "annotations"), f"{_TEMPLATE}.metadata")
    found = []
    for kind in ("labels", "annotations"):
        values = dict(meta.get(kind) or {})
        for key in values:
            if key.startswith(f"{GROUP}/") or key == LABEL_INDEX:
                raise InvalidArgument(f"{_TEMPLATE}.metadata.{kind}: {key} is ours: leave it out")
        found.append(values)
    return found[0], found[1]


def _only(value: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise InvalidArgument(f"{where}.{unknown[0]} is not a known field; known are {known}")


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidArgument(f"{where} must be a mapping, not {value!r:.100}")
    return value
