"""The pods of a job: workers and finalizer."""

from typing import Annotated, Any, Literal

from pydantic import Field

from batchprocess.api.base import ApiModel, Like, Rule
from batchprocess.api.containers import Path, Resources, no_gpu
from batchprocess.api.scalars import MUTABLE, Int32, Labels, LabelValue, Seconds, Text
from batchprocess.api.template import PodTemplate


class Worker(ApiModel):
    """The pods that process shards."""

    rules = (
        Rule(
            "self.gpus % self.processesPerWorker == 0",
            "spec.worker.gpus: each process gets as many GPUs as the others: give a multiple of "
            "spec.worker.processesPerWorker, or none",
            lambda worker: worker.gpus % worker.processes_per_worker == 0,
            field=".gpus",
        ),
    )

    gpus: int = Field(default=0, ge=0, le=64)
    """NVIDIA GPUs of a pod, 0 to 64: a multiple of processesPerWorker, of which each process gets
    its part. Default 0. Immutable."""
    processes_per_worker: int = Field(default=1, ge=1, le=16)
    """Processes of a pod, 1 to 16, each on a shard and with GPUs of its own. Default 1.
    Immutable."""
    python: Path = "python"
    """Interpreter in the image that has batchprocess, as a name or a path of at most 1024
    characters. Default python. Immutable."""
    template: Annotated[dict[str, Any], Like(PodTemplate)] = {}
    """Metadata and spec of the pods, merged under what the operator owns. Immutable, with all
    that is in it."""


class Toleration(ApiModel):
    """A taint that the pod may be scheduled in spite of."""

    rules = (
        Rule(
            "(has(self.key) && self.key != '') || "
            "(has(self.operator) && self.operator == 'Exists')",
            "tolerations: without a key the operator must be Exists",
            lambda it: bool(it.key) or it.operator == "Exists",
            field=".operator",
        ),
        Rule(
            "!has(self.operator) || self.operator != 'Exists' || !has(self.value) || "
            "self.value == ''",
            "tolerations: operator Exists takes no value: leave it out",
            lambda it: it.operator != "Exists" or not it.value,
            field=".value",
        ),
        Rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "tolerations: tolerationSeconds needs effect NoExecute",
            lambda it: it.toleration_seconds is None or it.effect == "NoExecute",
            field=".effect",
        ),
    )

    key: Text | None = None
    """Key of the taint. Default: every key. Mutable."""
    operator: Literal["Exists", "Equal"] | None = None
    """Exists or Equal. Default Equal. Mutable."""
    value: LabelValue | None = None
    """Value of the taint, with Equal. Mutable."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint: NoSchedule, PreferNoSchedule or NoExecute. Default: every effect.
    Mutable."""
    toleration_seconds: Int32 | None = None
    """Seconds that the pod stays once the taint is there, up to 2147483647; 0 or less: it is
    evicted at once. Default: for ever. Mutable."""


def _has_resources(finalizer: "Finalizer") -> bool:
    containers = (finalizer.template.get("spec") or {}).get("containers") or ()
    return any(one.get("resources") is not None for one in containers)


_POD = "self.template.spec"
_HAS_POD = f"has(self.template) && has({_POD})"


class Finalizer(ApiModel):
    """The pod that turns complete ledgers into manifest, summary and _SUCCESS.

    What is changed while it runs has it replaced.
    """

    rules = (
        no_gpu("spec.finalizer", "spec.finalizer.gpus"),
        Rule(
            f"!has(self.resources) || !({_HAS_POD} && has({_POD}.containers) && "
            f"{_POD}.containers.exists(c, has(c.resources)))",
            "spec.finalizer.resources: give them either here or in "
            "spec.finalizer.template.spec.containers[worker]",
            lambda it: "resources" not in it.model_fields_set or not _has_resources(it),
            field=".resources",
        ),
    )

    gpus: int = Field(default=0, ge=0, le=64, json_schema_extra=MUTABLE)
    """NVIDIA GPUs of the pod, 0 to 64; reducers rarely need one. Default 0. Mutable."""
    resources: Annotated[dict[str, Any], Like(Resources)] = Field(
        default={}, json_schema_extra=MUTABLE
    )
    """Limits and requests of the container. Default: requests of 1 CPU and 4Gi. Mutable."""
    node_selector: Labels = Field(default={}, max_length=32, json_schema_extra=MUTABLE)
    """Labels of the nodes that may run it, at most 32, over those of the template. Default: every
    node of the architecture and the system that the workers' template asks for. Mutable."""
    tolerations: list[Annotated[dict[str, Any], Like(Toleration)]] = Field(
        default=[], max_length=32, json_schema_extra=MUTABLE
    )
    """Taints in spite of which the pod may be scheduled, at most 32, beside those of the template.
    Default: none. Mutable."""
    template: Annotated[dict[str, Any], Like(PodTemplate)] = Field(
        default={}, json_schema_extra=MUTABLE
    )
    """Metadata and spec of the pod. A field that is given takes the place of what the pod has from
    the workers' template, lists as a whole; labels and annotations are added. Mutable."""
    active_deadline_seconds: Seconds = Field(default=86_400, json_schema_extra=MUTABLE)
    """Seconds from the start of the finalizer Job, 1 to 2147483647, after which the job fails,
    whatever keeps the finalizer from its end. Default 86400. Mutable."""
