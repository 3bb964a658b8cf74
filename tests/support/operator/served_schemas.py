"""What an API server answers that is asked for the schema of jobs."""

from typing import Any

from batchprocess.protocol.job_object import GROUP, KIND, VERSION


def served_schema(**spec: Any) -> dict[str, Any]:
    """The OpenAPI document of a CRD with these fields of spec, beside what else is in it."""
    ours = {"group": GROUP, "kind": KIND, "version": VERSION}
    schema = {
        "properties": {"spec": {"properties": spec}},
        "x-kubernetes-group-version-kind": [ours],
    }
    others = {"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {"type": "object"}}
    return {
        "metadata": {"resourceVersion": "0"},
        "components": {"schemas": others | {f"dev.batchprocess.{VERSION}.{KIND}": schema}},
    }
