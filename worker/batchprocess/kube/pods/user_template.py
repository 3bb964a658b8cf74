"""A user's pod template as plain objects. What in it would be ours, its model has refused.

Fields that are only handed on may be of any type: what is no pod the API server refuses, by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any


def user_pod(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template's pod spec, without its container `worker`."""
    spec = _given(template, "spec")
    return {key: value for key, value in spec.items() if key != "containers"}


def user_container(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template's container `worker`, empty if there is none."""
    containers = _given(template, "spec").get("containers") or [{}]
    return dict(containers[0])


def user_metadata(template: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations."""
    meta = _given(template, "metadata")
    return meta.get("labels") or {}, meta.get("annotations") or {}


def mapping(value: Any) -> Mapping[str, Any]:
    """What was handed on, where it is an object; nothing, where it is nonsense."""
    return value if isinstance(value, dict) else {}


def entries(value: Any) -> Sequence[Mapping[str, Any]]:
    """The objects of a list that was handed on."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def appended(value: Any, more: Iterable[Any]) -> Any:
    """The list with `more` behind it; nonsense as it is, for the API server to refuse."""
    return [*(value or ()), *more] if isinstance(value, list | None) else value


def _given(template: Mapping[str, Any], part: str) -> dict[str, Any]:
    # A copy: what is built from it is changed on the way.
    return deepcopy(template.get(part) or {})
