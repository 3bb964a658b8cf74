"""Questions that the watches do not answer: is this node gone, why does this pod not start?

Asked only about pods that have been in the way for a while, and not again for some time. That grows
while neither the answer nor what it is about changes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from batchprocess.backoff import Backoff
from batchprocess.kube import paths
from batchprocess.kube.names import LABEL_JOB_UID, LABEL_ROLE
from batchprocess.kube.requests import Object
from batchprocess.plain_text import plain
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import ApiError, Denied, NotFound
from batchprocess_operator.model.observed import ChildJob, ChildPod, Reason
from batchprocess_operator.model.words import folded

_PATIENCE = timedelta(seconds=5)
_VALID_SECONDS = 15.0
_PAUSES = Backoff(first=_VALID_SECONDS, most=300.0)
_MAX_SILENT_SECONDS = 60.0
"""Nothing that is known yet is told within a minute of its event."""
_MAX_ASKED = 3
_SCHEDULER_PATIENCE = timedelta(seconds=30)
_NodeState = Literal["ready", "notReady", "gone"]


@dataclass(frozen=True, slots=True)
class _Trouble:
    """The answer, the same for the last `times` times, about this version of a pod or Job."""

    at: float
    reason: Reason | None
    times: int
    version: int

    def holds_until(self, version: int) -> float:
        if version != self.version:
            return self.at + _VALID_SECONDS
        pause = _PAUSES.seconds(self.times)
        return self.at + (min(pause, _MAX_SILENT_SECONDS) if self.reason is None else pause)


class Lookups:
    """Answers by key, kept for a while. `clock` in seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api, self._clock = api, clock
        self._nodes: dict[str, tuple[float, _NodeState]] = {}
        self._troubles: dict[str, _Trouble] = {}

    async def lost_nodes(self, pods: Iterable[ChildPod], now: datetime) -> frozenset[str]:
        """Nodes of pods past their grace that are gone or not ready."""
        names = {pod.node for pod in pods if _overdue(pod, now)}
        return frozenset([name for name in names if name and await self._is_lost(name)])

    async def troubles(
        self, namespace: str, child: ChildJob | None, pods: Iterable[ChildPod], now: datetime
    ) -> dict[str, Reason]:
        """The newest warning about some pods that do not start, or about a Job without pods."""
        asked: Sequence[ChildJob | ChildPod] = [pod for pod in pods if _silent(pod, now)]
        if child is not None and not asked and _has_no_pod(child, now):
            asked = [child]
        found: dict[str, Reason] = {}
        for one in asked[:_MAX_ASKED]:
            reason = await self._trouble(namespace, one) or await self._nowhere(one, now)
            if reason is not None:
                found[one.name] = reason
        return found

    async def finalizer_pods(self, namespace: str, job_uid: str) -> list[Object]:
        """All there are of a job, as the API server has them now. Raises ApiError."""
        selector = f"{LABEL_JOB_UID}={job_uid},{LABEL_ROLE}=finalizer"
        return [raw async for raw in self._api.pages(paths.pods(namespace), selector)]

    def forget_old(self) -> None:
        """Drop answers that are too old to be used."""
        limit = self._clock() - _VALID_SECONDS
        self._nodes = {k: v for k, v in self._nodes.items() if v[0] > limit}
        # As long again: one that is asked about no more must not look as if it were new.
        old = self._clock() - 2 * _PAUSES.most
        self._troubles = {k: v for k, v in self._troubles.items() if v.at > old}

    async def _nowhere(self, about: ChildJob | ChildPod, now: datetime) -> Reason | None:
        """A pod for a node, or a scheduler, that does not exist: nobody says anything of it."""
        if isinstance(about, ChildJob) or about.taken:
            return None
        if about.node is None:
            if now < about.created + _SCHEDULER_PATIENCE:
                return None
            why = f"no scheduler has looked at it: is there one named {about.scheduler}?"
            return Reason("NotScheduled", plain(why))
        try:
            state = await self._node(about.node)
        except ApiError:
            return None  # a hint that is not to be had is no reason to stop
        if state == "gone":
            return Reason("NodeNotFound", plain(f"it is for node {about.node}, which is not there"))
        ready = state == "ready"
        return None if ready else Reason("NodeNotReady", plain(f"node {about.node} is not ready"))

    async def _is_lost(self, name: str) -> bool:
        return await self._node(name) != "ready"

    async def _node(self, name: str) -> _NodeState:
        known = self._nodes.get(name)
        if known is not None and self._clock() - known[0] < _VALID_SECONDS:
            return known[1]
        state = await self._ask_node(name)
        self._nodes[name] = (self._clock(), state)
        return state

    async def _ask_node(self, name: str) -> _NodeState:
        try:
            found = (await self._api.get(paths.node(name))).get("status", {}).get("conditions")
        except NotFound:
            return "gone"
        except Denied:
            return "ready"  # an operator of one namespace may have no right to know
        kinds = {(one.get("type"), one.get("status")) for one in found or ()}
        return "ready" if ("Ready", "True") in kinds else "notReady"

    async def _trouble(self, namespace: str, about: ChildJob | ChildPod) -> Reason | None:
        known = self._troubles.get(about.uid)
        if known is not None and self._clock() < known.holds_until(about.version):
            return known.reason
        query = {"fieldSelector": f"involvedObject.uid={about.uid},type=Warning", "limit": "50"}
        try:
            events = (await self._api.get(paths.events(namespace), query))["items"]
        except ApiError:
            events = []  # a hint that is not to be had is no reason to stop
        newest = max(events, key=_time_of, default=None)
        # Whoever may create Events may leave out what every controller writes.
        reason = (
            None if newest is None else Reason(_text(newest, "reason"), _text(newest, "message"))
        )
        if known is not None and _sameness(known.reason) == _sameness(reason):
            reason = known.reason  # but for its ports and addresses
        same = known is not None and (known.reason, known.version) == (reason, about.version)
        times = known.times + 1 if known is not None and same else 1
        self._troubles[about.uid] = _Trouble(self._clock(), reason, times, about.version)
        return reason


def _time_of(event: dict[str, str]) -> str:
    return event.get("lastTimestamp") or event.get("eventTime") or ""


def _text(event: dict[str, str], key: str) -> str:
    return plain(event.get(key) or "")


def _sameness(reason: Reason | None) -> tuple[str, str] | None:
    return None if reason is None else (reason.reason, folded(reason.message))


def _overdue(pod: ChildPod, now: datetime) -> bool:
    over = pod.lost_at is not None and pod.lost_at + _PATIENCE < now
    return over and pod.phase not in ("Failed", "Succeeded")


def _silent(pod: ChildPod, now: datetime) -> bool:
    """Does not start, and its status does not say why: a volume that is missing, say."""
    explained = pod.started or pod.waiting is not None or pod.unscheduled is not None
    return pod.alive and not explained and pod.created + _PATIENCE < now


def _has_no_pod(child: ChildJob, now: datetime) -> bool:
    wanted = not child.suspend and child.parallelism > 0 and not child.ended
    return wanted and child.active == 0 and child.created + _PATIENCE < now
