"""The CustomResourceDefinition, made from the models. Pure."""

from typing import Any

from batchprocess.api.base import RULES
from batchprocess.api.job import BatchProcessJob
from batchprocess.api.schema.immutability import immutability, without_marks
from batchprocess.api.schema.structural import Schema, inline, structural
from batchprocess.protocol.job_object import API_VERSION, GROUP, KIND, PLURAL, VERSION

SINGULAR, SHORT = "batchprocessjob", "bpj"
NAME = f"{PLURAL}.{GROUP}"
_COLUMNS = (
    ("State", "string", ".status.state", 0),
    ("Progress", "string", ".status.display.progress", 0),
    ("Shards", "string", ".status.display.shards", 0),
    ("Rate", "string", ".status.display.rate", 0),
    ("ETA", "string", ".status.display.eta", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Reason", "string", ".status.display.reason", 1),
    ("Failed", "integer", ".status.shards.failed", 1),
    ("Attempts", "integer", ".status.attempts", 1),
    ("BadRows", "integer", ".status.badRows", 1),
    ("Output", "string", ".status.outputURI", 1),
)
_OBJECT_META: Schema = {
    "type": "object",
    # Bounds the cost of the rule about the name; the rule itself has the better sentence.
    "properties": {"name": {"type": "string", "maxLength": 253}},
}
UNSEEN = {"observedGeneration": 0}
"""The status of a job at which nobody has looked yet: of no generation, which count from 1.

An API server fills it in when it reads a job without a status, so kstatus, which compares
generations, does not take that for one that is as it should be.
"""


def job_schema() -> Schema:
    """The structural schema of a BatchProcessJob, with all rules."""
    made = BatchProcessJob.model_json_schema()
    root = inline(made, made.get("$defs", {}))
    fields = root["properties"]
    spec = structural(fields["spec"])
    spec[RULES] = [
        *spec[RULES],
        *(rule.as_validation() for rule in immutability(spec)),
    ]
    whole = {
        "type": "object",
        "description": " ".join(root["description"].split()),
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{API_VERSION}."},
            "kind": {"type": "string", "description": f"{KIND}."},
            "metadata": _OBJECT_META,
            "spec": spec,
            "status": structural(fields["status"], defaults=False) | {"default": UNSEEN},
        },
        RULES: root[RULES],
    }
    cleaned: Schema = without_marks(whole)
    return cleaned


def crd(annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """The CustomResourceDefinition, as it is applied."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME} | ({"annotations": annotations} if annotations else {}),
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT],
                "categories": ["all", "batchprocess"],
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path}
            | ({"priority": priority} if priority else {})
            for name, kind, path, priority in _COLUMNS
        ],
        "schema": {"openAPIV3Schema": job_schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.parallelism",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
    }
