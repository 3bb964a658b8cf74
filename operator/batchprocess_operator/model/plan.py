"""What reconcile wants done: actions in order, then one status, then events. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from batchprocess.api.status import Status


@dataclass(frozen=True, slots=True)
class CreateJob:
    """Create a child. A child that exists already and is ours is as good.

    `later`: a child that is made once this one has done its work. It is created only if the API
    server would take the later one, too: a refusal must not come after days of work.
    """

    manifest: Mapping[str, Any]
    later: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The child's name."""
        name: str = self.manifest["metadata"]["name"]
        return name


@dataclass(frozen=True, slots=True)
class CheckFinalizer:
    """Whether the API server would take the finalizer that a job asks for since it began.

    If so, `digest` is noted in the worker Job `worker`; a refusal stops nothing and is told.
    """

    manifest: Mapping[str, Any]
    worker: str
    uid: str
    digest: str

    @property
    def name(self) -> str:
        """Of what is asked: another for another finalizer."""
        return f"{self.manifest['metadata']['name']}/{self.digest}"


@dataclass(frozen=True, slots=True)
class PatchJob:
    """Change mutable fields of a child; nothing if it is another object by now."""

    name: str
    uid: str
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """Delete a child with its pods; nothing if it is another object by now."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class ResetBackoff:
    """Have Kubernetes replace a pod 10 s after its end: its failure was nobody's fault."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class GiveUpPod:
    """Declare a pod on a lost node failed, as PodGC does. The ledger fences it if it lives."""

    name: str
    uid: str
    node: str


Action = CreateJob | CheckFinalizer | PatchJob | DeleteJob | ResetBackoff | GiveUpPod


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event about the job.

    `same`: what it says, without what varies; of our own words the message.
    """

    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    same: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`urgent`: more than progress has changed in the status, so it is written at once.

    `requeue_after`: seconds until something is due though nothing may happen; None: nothing is.
    `fault`: what kept us from saying more; the actions are to be done all the same.
    """

    actions: tuple[Action, ...]
    status: Status
    urgent: bool
    events: tuple[Event, ...]
    requeue_after: float | None
    fault: Exception | None = None
