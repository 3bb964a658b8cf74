"""What the operator has seen of a job's children, as immutable values.

Everything in it may be old: watches lag and lose events. So nothing decided from it may be unsafe
when it is decided late or twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from batchprocess.protocol.termination import Termination
from batchprocess_operator.model.notified import UNTOLD, Notified
from batchprocess_operator.model.reported import NOTHING, Reported

Role = Literal["worker", "finalizer"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A CamelCase word for machines and a sentence for people."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ChildJob:
    """One Job of ours. `shards`: in order, those of a retry, else None; `conditions`: the True.

    `literal`: Kubernetes would have changed text of the job in it, and was kept from it. `queued`:
    it has Kueue's label. `old_workload`: what observe/left_by_kueue.py finds. `managers`: field of
    its spec -> who else has set it last.
    `finalizer`: digest of the spec.finalizer it was made with; None if it does not say. `kept_by`:
    finalizers of one that is being deleted, None for all others.
    """

    name: str
    uid: str
    role: Role
    retry: int
    shards: tuple[int, ...] | None
    created: datetime
    started: datetime | None
    completions: int
    parallelism: int
    suspend: bool
    deadline: int | None
    active: int = 0
    succeeded: int = 0
    completed_indexes: frozenset[int] = frozenset()
    failed_indexes: frozenset[int] = frozenset()
    literal: bool = False
    queued: bool = False
    old_workload: bool = False
    managers: Mapping[str, str] = field(default_factory=dict)
    finalizer: str | None = None
    kept_by: tuple[str, ...] | None = None
    conditions: Mapping[str, Reason] = field(default_factory=dict)
    version: int = 0
    namespace: str = ""

    @property
    def ended(self) -> bool:
        """Kubernetes starts no pod of it any more; the last ones may still be ending."""
        return bool(self.conditions.keys() & {"Complete", "Failed", "FailureTarget"})

    @property
    def failure(self) -> Reason | None:
        """Why it failed, as soon as that is decided."""
        return self.conditions.get("Failed") or self.conditions.get("FailureTarget")


@dataclass(frozen=True, slots=True)
class ChildPod:
    """One pod of ours. `waiting`, `died` and `ended_at` are about container `worker`.

    `ended_at` by the clock of its node; `beside`: other containers that keep the pod from ending.
    `taken`: its node has seen it. `failure`: why the pod has failed as a whole, not our container.
    """

    name: str
    uid: str
    child_uid: str | None
    role: Role
    index: int
    phase: str
    created: datetime
    node: str | None = None
    started: bool = False
    ended: bool = False
    ended_at: datetime | None = None
    beside: tuple[str, ...] = ()
    exit_code: int | None = None
    died: Reason | None = None
    failure: Reason | None = None
    waiting: Reason | None = None
    unscheduled: Reason | None = None
    scheduler: str = ""
    taken: bool = False
    disrupted: bool = False
    lost_at: datetime | None = None
    ignored: int = 0
    termination: Termination | None = None
    version: int = 0
    namespace: str = ""

    @property
    def alive(self) -> bool:
        """Its processes may be at work."""
        return self.phase in ("Pending", "Running", "Unknown") and not self.ended


@dataclass(frozen=True, slots=True)
class Observed:
    """All that is known of one job's children.

    `gone`: pods that this operator saw and that are deleted since (for estimates only).
    `refused`: child name -> why the API server does not take it. `unchangeable`: child or pod name
    -> why it does not let us change or delete it. `undone`: child name -> fields of its spec that
    somebody sets back each time, or MADE. `trouble`: pod or Job name -> newest warning event about
    it. `lost_nodes`: nodes that are gone or unreachable. `notified`: of the job's messages.
    """

    children: tuple[ChildJob, ...] = ()
    pods: tuple[ChildPod, ...] = ()
    gone: tuple[ChildPod, ...] = ()
    reported: Reported = NOTHING
    refused: Mapping[str, Reason] = field(default_factory=dict)
    unchangeable: Mapping[str, Reason] = field(default_factory=dict)
    undone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trouble: Mapping[str, Reason] = field(default_factory=dict)
    lost_nodes: frozenset[str] = frozenset()
    notified: Notified = UNTOLD
    _in_order: dict[str, Sequence[ChildPod]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def own_pods(self) -> list[ChildPod]:
        """Pods of our children: whoever may create pods can write our labels on one."""
        ours = {child.uid for child in self.children}
        return [pod for pod in self.pods if pod.child_uid in ours]

    def has_live_pods(self, child: ChildJob) -> bool:
        """Whether processes of it may be at work."""
        return any(pod.alive and pod.child_uid == child.uid for pod in self.pods)

    def is_held(self, child: ChildJob) -> bool:
        """Whether it is suspended, or is each time we resume it, and no pod of it is left."""
        suspended = child.suspend or "suspend" in self.undone.get(child.name, ())
        return suspended and not self.has_live_pods(child)

    def pods_of(self, child: ChildJob | None) -> Sequence[ChildPod]:
        """Pods of one child, those gone included, oldest first."""
        if child is None:
            return ()
        if child.uid not in self._in_order:
            # Asked for at many places, of up to 10,000 pods.
            known = {pod.uid: pod for pod in (*self.gone, *self.pods)}
            mine = (pod for pod in known.values() if pod.child_uid == child.uid)
            in_order = sorted(mine, key=lambda pod: (pod.created, pod.name))
            self._in_order[child.uid] = tuple(in_order)
        return self._in_order[child.uid]


def message_of_exit(observed: Observed, child: ChildJob, code: int) -> str:
    """The message of the newest pod of `child` that ended with `code`; empty if none did."""
    for pod in reversed(observed.pods_of(child)):
        if pod.exit_code == code and pod.termination is not None:
            return pod.termination.message
    return ""


def is_running(pod: ChildPod) -> bool:
    """Its container runs, as far as the API server knows."""
    return pod.alive and pod.started


def count_running(observed: Observed) -> Mapping[Role, int]:
    """Running pods, by role."""
    counts: dict[Role, int] = {"worker": 0, "finalizer": 0}
    for pod in observed.own_pods:
        counts[pod.role] += is_running(pod)
    return counts
