"""Containers of the pod template: environment, mounts, resources, and what the worker may not."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from batchprocess.api import kubernetes
from batchprocess.api.base import ApiModel, Like, PassedOn, Rule
from batchprocess.api.new_bounds import MAX_WORD, MAX_WORDS, at_most_characters, at_most_items
from batchprocess.api.scalars import DnsLabel, ObjectName, Quantities
from batchprocess.protocol.variables import PREFIX

_T = "template.spec"
_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_OUR_PATHS = ("/batchprocess", "/var/run/batchprocess", "/dev/shm")  # noqa: S108
GPU = "nvidia.com/gpu"
EnvName = Annotated[str, StringConstraints(pattern=r"^[ -<>-~]+$", max_length=256)]
EnvValue = Annotated[str, StringConstraints(max_length=32_768)]
Words = Annotated[
    list[Annotated[str, at_most_characters(MAX_WORD)]],
    at_most_items(MAX_WORDS),
]
Refused = Annotated[str, at_most_characters(MAX_WORD)]
Path = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class SecretKey(ApiModel):
    """A key of a Secret."""

    name: ObjectName
    """Name of the Secret. Required."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Key in the Secret. Required."""
    optional: bool | None = None
    """Whether Secret or key may be missing. Default false."""


class EnvSource(PassedOn):
    """Where a variable's value comes from."""

    passed = kubernetes.names(kubernetes.ENV_SOURCE)

    secret_key_ref: SecretKey | None = None
    """A key of a Secret in the job's namespace."""


class EnvVar(ApiModel):
    """An environment variable."""

    rules = (
        Rule(
            f"!self.name.startsWith('{PREFIX}')",
            f"env: names that begin with {PREFIX} are the operator's: take another name",
            lambda env: not env.name.startswith(PREFIX),
            field=".name",
        ),
        Rule(
            f"!(self.name in {list(_SECRETS)}) || "
            "(!has(self.value) && has(self.valueFrom) && has(self.valueFrom.secretKeyRef))",
            f"env: {', '.join(_SECRETS)} must not be written into a job: use "
            "spec.output.s3.credentialsSecret or valueFrom.secretKeyRef",
            lambda env: (
                env.name not in _SECRETS
                or (
                    env.value is None
                    and env.value_from is not None
                    and env.value_from.secret_key_ref is not None
                )
            ),
            field=".name",
        ),
        Rule(
            "!has(self.value) || self.value == '' || !has(self.valueFrom)",
            "env: give either value or valueFrom, not both",
            lambda env: not env.value or env.value_from is None,
            field=".valueFrom",
        ),
    )

    name: EnvName
    """Name, at most 256 printable characters without =; not BATCHPROCESS_*. Required."""
    value: EnvValue | None = None
    """Value, at most 32768 characters. Default empty."""
    value_from: EnvSource | None = None
    """Source of the value."""


class VolumeMount(PassedOn):
    """A volume in a container."""

    passed = kubernetes.names(kubernetes.VOLUME_MOUNT)
    rules = (
        Rule(
            " && ".join(
                f"self.mountPath != '{path}' && !self.mountPath.startsWith('{path}/')"
                for path in _OUR_PATHS
            ),
            f"volumeMounts: {', '.join(_OUR_PATHS)} and what is below them are the operator's: "
            "mount it elsewhere",
            lambda mount: (
                not any(
                    mount.mount_path == path or mount.mount_path.startswith(f"{path}/")
                    for path in _OUR_PATHS
                )
            ),
            field=".mountPath",
        ),
    )

    name: DnsLabel
    """Name of the volume. Required."""
    mount_path: Path
    """Where it is mounted, at most 1024 characters. Required."""


class Resources(PassedOn):
    """Resources of a container."""

    passed = kubernetes.names(kubernetes.RESOURCES)

    limits: Quantities = Field(default={}, max_length=32)
    """At most so much of each resource; at most 32 resources."""
    requests: Quantities = Field(default={}, max_length=32)
    """At least so much of each resource; at most 32 resources."""


def no_gpu(where: str, instead: str) -> Rule:
    """GPUs are counted in one place only."""
    kinds = ("limits", "requests")
    cel = " && ".join(
        f"(!has(self.resources.{kind}) || !('{GPU}' in self.resources.{kind}))" for kind in kinds
    )
    return Rule(
        f"!has(self.resources) || ({cel})",
        f"{where}.resources: {GPU} is counted by {instead}: leave it out here",
        lambda it: not any(GPU in (it.resources.get(kind) or {}) for kind in kinds),
        field=".resources",
    )


class Container(PassedOn):
    """What all containers of the template have."""

    passed = kubernetes.names(kubernetes.CONTAINER)

    env: list[EnvVar] = Field(default=[], max_length=64)
    """Environment variables, at most 64."""
    resources: Annotated[dict[str, Any], Like(Resources)] = {}
    """Limits and requests."""
    volume_mounts: list[VolumeMount] = Field(default=[], max_length=64)
    """Volumes in the container, at most 64."""
    working_dir: Path | None = None
    """Working directory. Default: that of the image."""


class InitContainer(Container):
    """A container before the worker, or a native sidecar."""

    passed = kubernetes.names(kubernetes.CONTAINER, kubernetes.TERMINATION)
    rules = (
        Rule(
            "self.name != 'worker'",
            f"{_T}.initContainers: worker is the container that processes shards: take another "
            "name",
            lambda container: container.name != "worker",
            field=".name",
        ),
    )

    name: DnsLabel
    """Name of the container; not worker. Required."""
    image: Path | None = None
    """Image of the container. Required by Kubernetes."""
    command: Words = []
    """Command, at most 1024 words of 131072 characters. Default: that of the image."""
    args: Words = []
    """Arguments, at most 1024 of 131072 characters."""
    restart_policy: Literal["Always", "Never", "OnFailure"] | None = None
    """Always makes it a sidecar, which ends after the worker; others are Never and OnFailure.
    Default: that of the pod, Never."""


def _ours(alias: str, name: str, why: str) -> Rule:
    """A field of the worker container that the template may not have."""
    return Rule(
        f"!has(self.{alias})",
        f"{_T}.containers[worker].{alias} {why}",
        lambda container: getattr(container, name) is None,
        field=f".{alias}",
    )


class WorkerContainer(Container):
    """What to add to the container that processes shards."""

    rules = (
        Rule(
            "self.name == 'worker'",
            f"{_T}.containers: only the container worker may be here: make others native "
            "sidecars, init containers with restartPolicy Always",
            lambda container: container.name == "worker",
            field=".name",
        ),
        _ours("image", "image", "is spec.image: leave it out"),
        _ours("command", "command", "is the operator's: give spec.command"),
        _ours("args", "args", "is the operator's: give spec.command"),
        _ours("restartPolicy", "restart_policy", "is the operator's (Never): leave it out"),
        _ours(
            "terminationMessagePath",
            "termination_message_path",
            "is the operator's: workers say there how far they are",
        ),
        _ours(
            "terminationMessagePolicy",
            "termination_message_policy",
            "is the operator's: workers say there how far they are",
        ),
        no_gpu(f"{_T}.containers[worker]", "the field gpus beside the template"),
    )

    name: DnsLabel
    """worker. Required."""
    image: Refused | None = None
    """Refused: it is spec.image."""
    command: Words | None = None
    """Refused: it is spec.command."""
    args: Words | None = None
    """Refused: they are part of spec.command."""
    restart_policy: Refused | None = None
    """Refused: it is the operator's."""
    termination_message_path: Refused | None = None
    """Refused: it is the operator's."""
    termination_message_policy: Refused | None = None
    """Refused: it is the operator's."""
