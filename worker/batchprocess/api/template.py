"""The pod template under what the operator owns: what is ours in it is refused, never overwritten.

Typed just enough for that; all other fields of Kubernetes 1.35 are handed on as they are.
"""

from typing import Literal

from pydantic import Field

from batchprocess.api import kubernetes
from batchprocess.api.base import ApiModel, PassedOn, Rule
from batchprocess.api.containers import InitContainer, WorkerContainer
from batchprocess.api.scalars import Annotations, DnsLabel, Labels, NotNegative
from batchprocess.protocol.job_object import GROUP

_T = "template"
_OUR_KEYS = (f"{GROUP}/", "batch.kubernetes.io/")
_OUR_NAMES = ("job-name", "controller-uid")
"""Labels that Kubernetes gives the pods of a Job."""


def _keys_rule(kind: str) -> Rule:
    """Keys with our prefixes, or Kubernetes' own for a Job's pods, are refused."""
    prefixes = " && ".join(f"!k.startsWith('{prefix}')" for prefix in _OUR_KEYS)
    return Rule(
        f"!has(self.{kind}) || self.{kind}.all(k, {prefixes} && !(k in {list(_OUR_NAMES)}))",
        f"{_T}.metadata.{kind}: keys that begin with {' or '.join(_OUR_KEYS)} and the keys "
        f"{' and '.join(_OUR_NAMES)} are set by the operator and Kubernetes: leave them out",
        lambda meta: (
            not any(key.startswith(_OUR_KEYS) or key in _OUR_NAMES for key in getattr(meta, kind))
        ),
        field=f".{kind}",
    )


class TemplateMetadata(ApiModel):
    """Labels and annotations of the pods."""

    rules = (_keys_rule("labels"), _keys_rule("annotations"))

    labels: Labels = Field(default={}, max_length=64)
    """Labels of the pods, at most 64. Those that begin with batchprocess.dev/ are the
    operator's."""
    annotations: Annotations = Field(default={}, max_length=64)
    """Annotations of the pods, at most 64. Those that begin with batchprocess.dev/ are the
    operator's."""


class Volume(PassedOn):
    """A volume of the pods."""

    passed = kubernetes.names(kubernetes.VOLUME)
    rules = (
        Rule(
            "!self.name.startsWith('batchprocess-')",
            f"{_T}.spec.volumes: names that begin with batchprocess- are the operator's: take "
            "another name",
            lambda volume: not volume.name.startswith("batchprocess-"),
            field=".name",
        ),
    )

    name: DnsLabel
    """Name that containers mount it by; not batchprocess-*. Required."""


class PodSpec(PassedOn):
    """Fields of a pod; restartPolicy, and the command of container worker, are not here."""

    passed = kubernetes.names(kubernetes.POD)
    rules = (
        Rule(
            "!has(self.restartPolicy)",
            f"{_T}.spec.restartPolicy is the operator's (Never): leave it out",
            lambda pod: pod.restart_policy is None,
            field=".restartPolicy",
        ),
        Rule(
            "!has(self.containers) || self.containers.size() <= 1",
            f"{_T}.spec.containers: a pod with a second container would never end: make it a "
            "native sidecar, an init container with restartPolicy Always",
            lambda pod: len(pod.containers) <= 1,
            field=".containers",
        ),
    )

    containers: list[WorkerContainer] = Field(default=[], max_length=8)
    """At most one entry, named worker: what to add to the container that processes shards."""
    init_containers: list[InitContainer] = Field(default=[], max_length=16)
    """Containers that run before the worker, or beside it with restartPolicy Always; at most 16."""
    volumes: list[Volume] = Field(default=[], max_length=32)
    """Volumes of the pods, at most 32."""
    restart_policy: Literal["Always", "Never", "OnFailure"] | None = None
    """Refused: it is the operator's."""
    termination_grace_period_seconds: NotNegative | None = None
    """Seconds that a pod has for its end when it is asked to stop, in which a worker finishes its
    batch and commits; 0 to 2147483647. Default 60."""


class PodTemplate(ApiModel):
    """Metadata and spec of pods."""

    metadata: TemplateMetadata = TemplateMetadata()
    """Labels and annotations."""
    spec: PodSpec = PodSpec()
    """Fields of a PodSpec."""
