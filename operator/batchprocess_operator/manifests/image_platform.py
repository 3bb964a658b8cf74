"""The architecture and operating system that a pod's image is for, out of where the pod may run.

Everything else in a selector or an affinity says which machines are good for workers; this says
where their image can run at all. Pure.
"""

from collections.abc import Container, Mapping
from typing import Any

from batchprocess.kube.pods.user_template import entries, mapping

PLATFORM = frozenset(
    f"{domain}kubernetes.io/{kind}" for domain in ("", "beta.") for kind in ("arch", "os")
)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_TERMS = "nodeSelectorTerms"


def platform_selector(pod: Mapping[str, Any]) -> dict[str, str]:
    """The part of a pod's nodeSelector that says so."""
    selector = mapping(pod.get("nodeSelector"))
    return {key: value for key, value in selector.items() if key in PLATFORM}


def platform_affinity(pod: Mapping[str, Any], but: Container[str] = ()) -> dict[str, Any] | None:
    """An affinity with the part of a pod's required node affinity that says so, `but` these labels.

    None if it says nothing: one term is enough for a node, so one that names no platform lets the
    pod run anywhere.
    """
    affinity = mapping(mapping(pod.get("affinity")).get("nodeAffinity"))
    terms = entries(mapping(affinity.get(_REQUIRED)).get(_TERMS))
    parts = [_platform_of(term, but) for term in terms]
    if not parts or not all(parts):
        return None
    kept = [{"matchExpressions": part} for part in parts]
    return {"nodeAffinity": {_REQUIRED: {_TERMS: kept}}}


def _platform_of(term: Mapping[str, Any], but: Container[str]) -> list[Any]:
    return [
        one
        for one in entries(term.get("matchExpressions"))
        if str(one.get("key")) in PLATFORM and one["key"] not in but
    ]
