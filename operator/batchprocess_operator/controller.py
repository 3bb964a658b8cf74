"""The loop around reconcile: take a key, look, decide, act, write the status once, tell."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from batchprocess.api.status import Status
from batchprocess_operator import paths
from batchprocess_operator.apply import NameTakenError, Target, perform
from batchprocess_operator.build.road import ProgressRoad
from batchprocess_operator.client import Api
from batchprocess_operator.errors import ApiError, Conflict, Denied, NotFound, Rejected
from batchprocess_operator.inquire import Inquiries
from batchprocess_operator.job import Job
from batchprocess_operator.observed import Observed, Reason, Reported
from batchprocess_operator.parse import (
    Unreadable,
    read_job,
    read_status,
    status_body,
    unreadable_status,
)
from batchprocess_operator.plan import Action, CreateJob, Plan
from batchprocess_operator.queue import WorkQueue
from batchprocess_operator.reconcile import reconcile
from batchprocess_operator.record import Recorder
from batchprocess_operator.refusal import JOB_REJECTED, NAME_CONFLICT, NOT_ALLOWED
from batchprocess_operator.store import Entry, Store

_LOG = logging.getLogger(__name__)
_PROGRESS_SECONDS = 5.0
_RETRY_SECONDS = 30.0
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


@dataclass
class Controller:
    """`clock` is the loop's, in seconds; `now` gives UTC."""

    api: Api
    store: Store
    queue: WorkQueue
    reports: Reports
    road: ProgressRoad | None
    inquiries: Inquiries
    recorder: Recorder
    clock: Callable[[], float]
    now: Callable[[], datetime]
    memories: dict[str, Memory] = field(default_factory=dict)

    async def work(self) -> None:
        """Take keys for ever. Several of these may run in one loop."""
        while True:
            uid = await self.queue.take()
            began = self.clock()
            try:
                await self._look(uid)
            except ApiError as error:
                self._back_off(uid, error)
            finally:
                self.queue.done(uid, (self.clock() - began) * _LOAD)

    async def _look(self, uid: str) -> None:
        entry = self.store.entries.get(uid)
        if entry is None:
            self.memories.pop(uid, None)
            self.reports.forget(uid)
            self.queue.forget(uid)
            return
        if entry.raw is None or "deletionTimestamp" in entry.raw["metadata"]:
            return
        memory, now = self.memories.setdefault(uid, Memory()), self.now()
        try:
            job = read_job(entry.raw, self.road)
        except Unreadable as error:
            status = unreadable_status(entry.raw, error, now)
            if status != read_status(entry.raw):
                await self._write(uid, status, entry)
            return
        plan = reconcile(job, await self._observe(job, entry, memory, now), now)
        for action in plan.actions:
            await self._act(action, job, memory)
        await self._tell(plan, job, entry, memory, now)
        memory.failures = 0

    async def _observe(self, job: Job, entry: Entry, memory: Memory, now: datetime) -> Observed:
        uid, pods = job.identity.uid, tuple(entry.pods.values())
        workers = [child for child in entry.children.values() if child.role == "worker"]
        newest = max(workers, key=lambda child: child.retry, default=None)
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

    def _refused(self, memory: Memory) -> Mapping[str, Reason]:
        """Refusals that a person may have mended meanwhile are tried again after a while."""
        now = self.clock()
        memory.refused = {k: v for k, v in memory.refused.items() if v[1] > now}
        return {name: reason for name, (reason, _) in memory.refused.items()}

    async def _act(self, action: Action, job: Job, memory: Memory) -> None:
        target = Target(job.identity.namespace, job.identity.uid)
        try:
            found = await perform(action, target, self.api)
        except NameTakenError as error:
            self._note_refusal(action, Reason(NAME_CONFLICT, str(error)), job, memory)
        except Rejected as error:
            self._note_refusal(action, Reason(JOB_REJECTED, str(error)), job, memory)
        except Denied as error:
            self._note_refusal(action, Reason(NOT_ALLOWED, str(error)), job, memory)
        else:
            if found is not None:
                # What was just written must not be decided again from an older picture.
                self.store.put_child(found)
                self.queue.add(job.identity.uid)

    def _note_refusal(self, action: Action, why: Reason, job: Job, memory: Memory) -> None:
        _LOG.warning("%s of %s: %s", type(action).__name__, job.identity.name, why.message)
        uid = job.identity.uid
        if not isinstance(action, CreateJob):
            self.queue.add(uid, _RETRY_SECONDS)
            return
        lasting = why.reason == "JobRejected"
        memory.refused[action.name] = (
            why,
            float("inf") if lasting else self.clock() + _RETRY_SECONDS,
        )
        self.queue.add(uid, 0 if lasting else _RETRY_SECONDS + 1)
        self.queue.add(uid)

    async def _tell(
        self, plan: Plan, job: Job, entry: Entry, memory: Memory, now: datetime
    ) -> None:
        uid = job.identity.uid
        if plan.requeue_after is not None:
            self.queue.add(uid, plan.requeue_after)
        if plan.status == job.before:
            return
        wait = memory.written + _PROGRESS_SECONDS - self.clock()
        if wait > 0 and not plan.urgent:
            self.queue.add(uid, wait)
            return
        if await self._write(uid, plan.status, entry):
            memory.written = self.clock()
            for event in plan.events:
                await self.recorder.post(event, job.identity, now)

    async def _write(self, uid: str, status: Status, entry: Entry) -> bool:
        """The one status write; whoever has changed the object meanwhile makes us look again."""
        assert entry.raw is not None  # noqa: S101  _look
        meta = entry.raw["metadata"]
        path = paths.job_object(meta["namespace"], meta["name"])
        try:
            written = await self.api.replace(f"{path}/status", status_body(entry.raw, status))
        except Conflict:
            entry.raw = await self._fresh(path, entry)
            self.queue.add(uid)
            return False
        except NotFound:
            return False
        self.store.put_job(written)
        return True

    async def _fresh(self, path: str, entry: Entry) -> Mapping[str, object] | None:
        """The object as it is now; None if it is gone, or another by the same name."""
        try:
            found = await self.api.get(path)
        except NotFound:
            return None
        assert entry.raw is not None  # noqa: S101  _look
        return found if found["metadata"]["uid"] == entry.raw["metadata"]["uid"] else None

    def _back_off(self, uid: str, error: ApiError) -> None:
        memory = self.memories.setdefault(uid, Memory())
        memory.failures += 1
        wait = min(2.0 ** (memory.failures - 1), _LONGEST_BACKOFF)
        _LOG.warning("job %s: %s; again in %.0f s", uid, error, wait)
        self.queue.add(uid, wait)
