"""The loop around reconcile: take a key, look, decide, act, write the status once, tell."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from batchprocess.api.status import Status
from batchprocess_operator.apply.event_recorder import Recorder
from batchprocess_operator.apply.perform import NameTakenError, Target, perform
from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.kube import paths
from batchprocess_operator.kube.client import Api, Object
from batchprocess_operator.kube.errors import ApiError, Conflict, Denied, NotFound, Rejected
from batchprocess_operator.model.job import FINAL, Job
from batchprocess_operator.model.observed import Observed, Reason, Reported
from batchprocess_operator.model.plan import Action, CreateJob, Plan
from batchprocess_operator.model.reasons import JOB_REJECTED, NAME_CONFLICT, NOT_ALLOWED
from batchprocess_operator.model.report_address import ProgressRoad
from batchprocess_operator.observe.read_job import (
    Unreadable,
    read_job,
    read_status,
    status_body,
    unreadable_status,
)
from batchprocess_operator.reconcile.reconcile import reconcile
from batchprocess_operator.status.events import told_of
from batchprocess_operator.watch.cache import Entry, Store
from batchprocess_operator.watch.lookups import Inquiries

_LOG = logging.getLogger(__name__)
_PROGRESS_SECONDS = 5.0
_RETRY_SECONDS = 30.0
_SOON_SECONDS = 1.0
"""Between looks that each want more done: somebody may be undoing what we do."""
_FOREVER = float("inf")
_LONGEST_BACKOFF = 60.0
_LOAD = 10.0
"""A job is looked at for at most a tenth of the time: large ones change many times a second."""


class Reports(Protocol):
    """What the progress endpoint has heard."""

    def reported(self, uid: str) -> Reported:
        """The newest of one job."""

    def forget(self, uid: str) -> None:
        """The job is gone."""


@dataclass
class Memory:
    """What is remembered of a job between looks, all of it dispensable."""

    refused: dict[str, tuple[Reason, float]] = field(default_factory=dict)
    written: float = float("-inf")
    failures: int = 0


@dataclass(frozen=True)
class _Seen:
    """A job as it was when its look began; `raw` is the very version that was decided upon."""

    entry: Entry
    raw: Mapping[str, Any]
    memory: Memory


@dataclass
class Controller:
    """`clock` is the loop's, in seconds; `now` gives UTC; `road` is asked anew for every look."""

    api: Api
    store: Store
    queue: WorkQueue
    reports: Reports
    road: Callable[[], ProgressRoad | None]
    inquiries: Inquiries
    recorder: Recorder
    clock: Callable[[], float]
    now: Callable[[], datetime]
    metrics: Metrics
    memories: dict[str, Memory] = field(default_factory=dict)

    async def work(self) -> None:
        """Take keys for ever. Several of these may run in one loop."""
        while True:
            uid, pause = await self.queue.take(), 0.0
            try:
                with self.metrics.looking():
                    pause = await self._look(uid)
            except ApiError as error:
                self._back_off(uid, error)
            except Exception as error:  # noqa: BLE001
                # A fault of ours that one job brings out must not stop the jobs of everybody else.
                _LOG.error("job %s: this is a bug of the operator", uid, exc_info=error)
                self._back_off(uid, error)
            finally:
                self.queue.done(uid, pause)

    async def _look(self, uid: str) -> float:
        """Seconds until the next look at the earliest."""
        entry = self.store.entries.get(uid)
        if entry is None or entry.raw is None:
            self.memories.pop(uid, None)
            self.reports.forget(uid)
            self.queue.forget(uid)
            return 0.0
        raw = entry.raw
        if "deletionTimestamp" in raw["metadata"]:
            return 0.0
        memory, now = self.memories.setdefault(uid, Memory()), self.now()
        try:
            job = read_job(raw, self.road())
        except Unreadable as error:
            status = unreadable_status(raw, error, now)
            if status != read_status(raw):
                await self._write(uid, status, entry, raw)
            return 0.0
        plan, pause = await self._settle(job, entry, memory, now)
        await self._tell(plan, job, _Seen(entry, raw, memory), now)
        memory.failures = 0
        return pause

    async def _settle(
        self, job: Job, entry: Entry, memory: Memory, now: datetime
    ) -> tuple[Plan, float]:
        """Decide and act; the plan whose status holds after that, and how long to leave it."""
        observed = await self._observe(job, entry, memory, now)
        began = self.clock()
        plan = reconcile(job, observed, now)
        pause = (self.clock() - began) * _LOAD
        # One after the other, and an error ends the look: later ones may build on earlier ones.
        changed = [await self._act(action, job, memory, now) for action in plan.actions]
        if plan.actions:
            # A write that came too early, or of which we never hear, is wanted again then.
            self.queue.add(job.identity.uid, _RETRY_SECONDS)
        if not any(changed):
            return plan, pause
        then = reconcile(job, await self._observe(job, entry, memory, now), now)
        if not then.actions:
            # What was just made is told in the same status: one write less for every child.
            return then, pause
        self.queue.add(job.identity.uid, _SOON_SECONDS)
        return plan, pause

    async def _observe(self, job: Job, entry: Entry, memory: Memory, now: datetime) -> Observed:
        await self._hear_finalizer(job, entry)
        uid, pods = job.identity.uid, tuple(entry.pods.values())
        newest = max(
            entry.children.values(),
            key=lambda one: (one.role == "finalizer", one.retry),
            default=None,
        )
        ours = [pod for pod in pods if newest is not None and pod.child_uid == newest.uid]
        return Observed(
            children=tuple(entry.children.values()),
            pods=pods,
            gone=tuple(entry.gone.values()),
            reported=self.reports.reported(uid),
            refused=self._refused(memory),
            trouble=await self.inquiries.troubles(job.identity.namespace, newest, ours, now),
            lost_nodes=await self.inquiries.lost_nodes(pods, now),
        )

    async def _hear_finalizer(self, job: Job, entry: Entry) -> None:
        """Ask for the pod of a finalizer that has ended well, if no watch has told of its end.

        Pods' watch may be minutes behind that of Jobs. Who took an unheard word for a lost one
        would delete the finalizer and make it again, and be late again.
        """
        if job.before.state in FINAL:
            return
        made = (one for one in entry.children.values() if one.role == "finalizer")
        ended = {one.uid for one in made if one.succeeded}
        pods = (*entry.gone.values(), *entry.pods.values())
        if ended - {pod.child_uid for pod in pods if pod.ended}:
            uid, namespace = job.identity.uid, job.identity.namespace
            for raw in await self.inquiries.finalizer_pods(namespace, uid):
                self.store.put_pod(raw)

    def _refused(self, memory: Memory) -> Mapping[str, Reason]:
        """Refusals that a person may have mended meanwhile are tried again after a while."""
        now = self.clock()
        memory.refused = {k: v for k, v in memory.refused.items() if v[1] > now}
        return {name: reason for name, (reason, _) in memory.refused.items()}

    async def _act(self, action: Action, job: Job, memory: Memory, now: datetime) -> bool:
        """Whether it changed what is known of the children."""
        target = Target(job.identity.namespace, job.identity.uid)
        try:
            found = await perform(action, target, self.api)
        except NameTakenError as error:
            return self._note_refusal(action, Reason(NAME_CONFLICT, str(error)), job, memory)
        except Rejected as error:
            return self._note_refusal(action, Reason(JOB_REJECTED, str(error)), job, memory)
        except Denied as error:
            return self._note_refusal(action, Reason(NOT_ALLOWED, str(error)), job, memory)
        for event in told_of(action):
            await self.recorder.post(event, job.identity, now)
        if found is None:
            return False
        # What was just written must not be decided again from an older picture.
        if self.store.put_child(found) is not None:
            return True
        why = f"Job {found['metadata']['name']} exists, but its labels were changed: delete it"
        return self._note_refusal(action, Reason(NAME_CONFLICT, why), job, memory)

    def _note_refusal(self, action: Action, why: Reason, job: Job, memory: Memory) -> bool:
        """A refused child is remembered, so that it is not asked for again and again."""
        _LOG.warning("%s of %s: %s", type(action).__name__, job.identity.name, why.message)
        if not isinstance(action, CreateJob):
            self.queue.add(job.identity.uid, _RETRY_SECONDS)
            return False
        lasting = why.reason == JOB_REJECTED
        until = _FOREVER if lasting else self.clock() + _RETRY_SECONDS
        memory.refused[action.name] = (why, until)
        return True

    async def _tell(self, plan: Plan, job: Job, seen: _Seen, now: datetime) -> None:
        uid, memory = job.identity.uid, seen.memory
        if plan.requeue_after is not None:
            self.queue.add(uid, plan.requeue_after)
        if plan.status == job.before:
            return
        wait = memory.written + _PROGRESS_SECONDS - self.clock()
        if wait > 0 and not plan.urgent:
            self.queue.add(uid, wait)
            return
        if await self._write(uid, plan.status, seen.entry, seen.raw):
            memory.written = self.clock()
            for event in plan.events:
                await self.recorder.post(event, job.identity, now)

    async def _write(self, uid: str, status: Status, entry: Entry, raw: Mapping[str, Any]) -> bool:
        """The one status write, over the very version that was decided upon.

        Whoever has changed the object meanwhile makes us look again: a twin may have written a
        final state.
        """
        meta = raw["metadata"]
        path = paths.job_object(meta["namespace"], meta["name"])
        try:
            written = await self.api.replace(f"{path}/status", status_body(raw, status))
        except (Conflict, NotFound):
            fresh = await self._fresh(path, meta["uid"])
            if fresh is not None:
                self.store.put_job(fresh)
                self.queue.add(uid)
            elif entry.raw is raw:
                # Gone. Should it be there after all, the next event or full look has it again.
                entry.raw = None
            return False
        self.store.put_job(written)
        return True

    async def _fresh(self, path: str, uid: str) -> Object | None:
        """The object as it is now; None if it is gone, or another by the same name."""
        try:
            found = await self.api.get(path)
        except NotFound:
            return None
        return found if found["metadata"]["uid"] == uid else None

    def _back_off(self, uid: str, error: Exception) -> None:
        memory = self.memories.setdefault(uid, Memory())
        memory.failures += 1
        self.metrics.failed()
        wait = min(2.0 ** (memory.failures - 1), _LONGEST_BACKOFF)
        _LOG.warning("job %s: %s; again in %.0f s", uid, error, wait)
        self.queue.add(uid, wait)
