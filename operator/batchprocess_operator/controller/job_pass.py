"""One pass over a job: observe, decide, act, write the status once, post events."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from batchprocess.backoff import Backoff
from batchprocess.kube.requests import Object
from batchprocess_operator.apply.perform import NameTakenError, Target, perform
from batchprocess_operator.controller.messages import offer_messages
from batchprocess_operator.controller.observe import Refusal, observe
from batchprocess_operator.controller.repeats import Repeats
from batchprocess_operator.controller.services import Services
from batchprocess_operator.controller.status_writer import write_status
from batchprocess_operator.kube.errors import Denied, Rejected
from batchprocess_operator.listen.meters import Meters, Rate
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.job import Job
from batchprocess_operator.model.observed import Observed, Reason
from batchprocess_operator.model.plan import Action, CheckFinalizer, CreateJob, Event, Plan
from batchprocess_operator.model.reasons import JOB_REJECTED, NAME_CONFLICT, NOT_ALLOWED
from batchprocess_operator.observe.read_children import job_uid
from batchprocess_operator.reconcile.reconcile import reconcile
from batchprocess_operator.status.changes_undone import CHANGES_UNDONE
from batchprocess_operator.status.events import events_of
from batchprocess_operator.watch.entry import Entry
from batchprocess_operator.watch.freshness import Reading

_LOG = logging.getLogger(__name__)
_PROGRESS_SECONDS = 5.0
_URGENT = Rate(_PROGRESS_SECONDS, burst=10)
"""Statuses that are written at once: somebody may take each of them back."""
_RETRY_SECONDS = 30.0
_SOON_SECONDS = 1.0
"""Between passes that each want more done: somebody may be undoing what we do."""
_CONFLICTS = Backoff(first=0.1, most=30.0)
_FOREVER = float("inf")
_CONTESTED_SECONDS = 900.0
"""For so long after our start we expect whoever has undone what we did to go on."""
_LOAD = 10.0
"""A job is worked on for at most a tenth of the time: large ones change many times a second."""


@dataclass
class Memory:
    """What is remembered of a job between passes, all of it dispensable."""

    refused: dict[Refusal, tuple[Reason, float]] = field(default_factory=dict)
    repeats: Repeats | None = None
    written: float = float("-inf")
    urgent: Meters = field(default_factory=lambda: Meters(_URGENT))
    failures: int = 0
    conflicts: int = 0


@dataclass(frozen=True)
class Pass:
    """`raw` is the version of the object that is decided upon, and `job` what was read of it."""

    services: Services
    job: Job
    entry: Entry
    raw: Mapping[str, Any]
    memory: Memory
    now: datetime

    async def run(self) -> float:
        """All of it; returns the seconds to leave the job alone. Raises ApiError or a fault."""
        plan, pause = await self._decide_and_act()
        if plan.fault is not None:
            raise plan.fault
        return max(pause, await self._publish(plan))

    @cached_property
    def _repeats(self) -> Repeats:
        """What is done again and again, by this process and, as the status tells, before it."""
        if self.memory.repeats is None:
            said = by_type(self.job.before.conditions).get("Stalled")
            fought = said is not None and said.reason == CHANGES_UNDONE
            until = self.services.clock() + _CONTESTED_SECONDS if fought else 0.0
            self.memory.repeats = Repeats(contested=until)
        return self.memory.repeats

    def _again_in(self, seconds: float | None) -> None:
        if seconds is not None:
            self.services.queue.add(self.job.identity.uid, seconds)

    async def _decide_and_act(self) -> tuple[Plan, float]:
        """The plan whose status holds after its actions, and how long to leave the job alone."""
        observed = await self._observe()
        began = self.services.clock()
        plan = reconcile(self.job, observed, self.now)
        pause = (self.services.clock() - began) * _LOAD
        # One after the other, and an error ends the pass: later ones may build on earlier ones.
        changed = [await self._act(action) for action in self._possible(plan)]
        if plan.actions:
            # A write that came too early, or that no event ever shows, is wanted again then.
            self._again_in(_RETRY_SECONDS)
        self._again_in(self._repeats.wait(self.services.clock()))
        if not any(changed) and self._undone() == observed.undone:
            return plan, pause
        then = reconcile(self.job, await self._observe(), self.now)
        if not self._possible(then):
            # What was just made stands in the same status: one write less for every child.
            return then, pause
        self._again_in(_SOON_SECONDS)
        return plan, pause

    async def _observe(self) -> Observed:
        refused, undone = self._refused(), self._undone()
        return await observe(self.services, self.job, self.entry, refused, undone, self.now)

    def _undone(self) -> Mapping[str, tuple[str, ...]]:
        return self._repeats.undone(self.services.clock())

    def _possible(self, plan: Plan) -> list[Action]:
        """Without what somebody undoes as often as we do it, nor what was just refused."""
        actions = self._repeats.due(plan.actions, self.services.clock())
        # Of creations that were refused the plan knows.
        return [one for one in actions if (one.name, False) not in self.memory.refused]

    def _refused(self) -> Mapping[Refusal, Reason]:
        """Refusals whose cause a person may have removed are tried again after a while."""
        now, memory = self.services.clock(), self.memory
        memory.refused = {k: v for k, v in memory.refused.items() if v[1] > now}
        return {name: reason for name, (reason, _) in memory.refused.items()}

    async def _act(self, action: Action) -> bool:
        """Whether it changed what is known of the children."""
        with self.services.cache.reading() as reading:
            return await self._act_within(reading, action)

    async def _act_within(self, reading: Reading, action: Action) -> bool:
        try:
            target = Target(self.job.identity.namespace, self.job.identity.uid)
            found = await perform(action, target, self.services.api)
        except NameTakenError as error:
            return self._note_refusal(action, Reason(NAME_CONFLICT, str(error)))
        except Rejected as error:
            return self._note_refusal(action, Reason(JOB_REJECTED, str(error)))
        except Denied as error:
            return self._note_refusal(action, Reason(NOT_ALLOWED, str(error)))
        if found and (changed := self._what_changed(found, reading)):
            why = f"Job {action.name} exists, but {changed}: delete it"
            return self._note_refusal(action, Reason(NAME_CONFLICT, why))
        self._repeats.done(action, self.services.clock())
        for event in events_of(action):
            await self._post(event)
        return found is not None

    def _what_changed(self, found: Object, reading: Reading) -> str:
        """Empty once it is known, so that nothing is decided from an older picture."""
        uid = self.job.identity.uid
        try:
            if self.services.cache.put_child(found, reading) or job_uid(found) == uid:
                return ""  # the latter if it is gone by now
        except (ValueError, KeyError, TypeError) as error:
            return f"it was made unreadable ({error})"
        return "its labels were changed"

    def _note_refusal(self, action: Action, why: Reason) -> bool:
        """What is refused is remembered, so that it is told, and not asked for again and again."""
        _LOG.warning("%s of %s: %s", type(action).__name__, self.job.identity.name, why.message)
        made = isinstance(action, CreateJob | CheckFinalizer)
        lasting = isinstance(action, CreateJob) and why.reason == JOB_REJECTED
        until = _FOREVER if lasting else self.services.clock() + _RETRY_SECONDS
        self.memory.refused[action.name, made] = (why, until)
        return True

    async def _publish(self, plan: Plan) -> float:
        """Write the status and post events; what is progress only waits for its turn.

        Returns the seconds to leave the job alone: somebody may be changing it all the time.
        """
        memory, clock = self.memory, self.services.clock
        self._again_in(plan.requeue_after)
        offer_messages(self.services, self.job, self.job.before)
        if plan.status == self.job.before:
            return 0.0
        wait = memory.written + _PROGRESS_SECONDS - clock()
        if wait > 0 and not (plan.urgent and memory.urgent.wait("", clock()) == 0):
            self._again_in(wait)
            return 0.0
        memory.urgent.count("", clock())
        # Whatever comes of it: what is refused is not asked for more often.
        memory.written = clock()
        if not await write_status(self.services, plan.status, self.entry, self.raw):
            memory.conflicts += 1
            return _CONFLICTS.seconds(memory.conflicts)
        memory.conflicts = 0
        offer_messages(self.services, self.job, plan.status)
        for event in plan.events:
            await self._post(event)
        return 0.0

    async def _post(self, event: Event) -> None:
        await self.services.recorder.post(event, self.job.identity, self.now)
