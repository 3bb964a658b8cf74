"""The way to one destination: few messages at a time, and what fails is tried ever more seldom.

Namespaces take turns, each with one message: one that has thousands is in no other's way.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess.backoff import Backoff
from batchprocess_operator.notify.breaker import Breaker
from batchprocess_operator.notify.destinations import Destination, DestinationError
from batchprocess_operator.notify.outcome import Outcome
from batchprocess_operator.notify.request import Request, request_for
from batchprocess_operator.notify.transport import SECONDS
from batchprocess_operator.notify.waiting import Waiting

_LOG = logging.getLogger(__name__)
AT_A_TIME = 4
MAX_JOBS = 1_000
"""Jobs of a namespace that wait for one destination. Others come back: statuses have messages."""
_BACKOFF = Backoff(first=5.0, most=600.0)


class Keys(Protocol):
    """Namespaces whose turn it is, each once at a time."""

    def add(self, key: str, after: float = 0.0) -> None:
        """Hand it out in so many seconds."""

    async def next_key(self) -> str:
        """The next; `done` must follow."""

    def done(self, key: str, pause: float = 0.0) -> None:
        """Work on it has ended, and is not to go on for so many seconds."""

    def forget(self, key: str) -> None:
        """It will not come back."""


class Sender(Protocol):
    """Who sends requests."""

    async def send(self, request: Request) -> Outcome:
        """One try."""


@dataclass
class Lane:
    """`changed` is called with a job whose message was delivered; `count` with each outcome.

    `jobs`: by their uid, in no order.
    """

    destination: Destination
    cluster: str
    keys: Keys
    sender: Sender
    changed: Callable[[str], None]
    count: Callable[[str, str], None]
    clock: Callable[[], float]
    draw: Callable[[], float] = random.random
    jobs: dict[str, Waiting] = field(default_factory=dict)
    breaker: Breaker = field(init=False)
    _places: dict[str, dict[str, Waiting]] = field(default_factory=dict)
    _freed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Closed until something fails."""
        self.breaker = Breaker(self.draw, SECONDS + 1)

    def put(self, job: Waiting) -> bool:
        """Whether there is room for it: what one namespace has waiting is in nobody else's way."""
        uid, place = job.about.uid, self._places.setdefault(job.about.namespace, {})
        if uid not in place and len(place) >= MAX_JOBS:
            self.count(self.destination.name, "deferred")
            return False
        place[uid] = self.jobs[uid] = job
        if job.due is not None:
            self.keys.add(job.about.namespace, max(job.due - self.clock(), 0.0))
        return True

    def drop(self, uid: str) -> None:
        """It has no messages for this destination any more."""
        job = self.jobs.pop(uid, None)
        if job is None:
            return
        del self._places[job.about.namespace][uid]
        if not self._places[job.about.namespace]:
            del self._places[job.about.namespace]
            self.keys.forget(job.about.namespace)

    async def work(self) -> None:
        """Deliver for ever. `AT_A_TIME` of these run for one destination."""
        while True:
            namespace = await self.keys.next_key()
            try:
                await self._turn(namespace)
            finally:
                self._call(namespace)
                self.keys.done(namespace)

    def _call(self, namespace: str) -> None:
        """Give it a turn, behind all that wait for one, when a message of it is due."""
        job = self._first(namespace)
        if job is not None and job.due is not None:
            self.keys.add(namespace, max(job.due - self.clock(), 0.0))

    def _first(self, namespace: str) -> Waiting | None:
        """The job whose message has waited longest, or is due next; None if there is none."""
        now, found = self.clock(), None
        for job in self._places.get(namespace, {}).values():
            due = job.due
            if due is not None and due <= now:
                return job
            if due is not None and (found is None or found.due is None or due < found.due):
                found = job
        return found

    async def _turn(self, namespace: str) -> None:
        """Try the message of this namespace that has waited longest."""
        while (wait := self.breaker.wait(self.clock())) > 0:
            self._freed.clear()
            try:
                await asyncio.wait_for(self._freed.wait(), wait)
            except TimeoutError:
                continue
        job = self._first(namespace)
        message = None if job is None else job.next_message(self.clock())
        if job is None or message is None:
            # Whoever waits for this try has to try by itself.
            self.breaker.left()
            self._freed.set()
            return
        self._note(job, message, await self._try(job, message[1]))

    async def _try(self, job: Waiting, message: PendingMessage) -> Outcome:
        """A fault of ours must hold up neither other messages nor the operator."""
        try:
            request = request_for(
                self.destination, job.about, message, self.cluster, int(time.time())
            )
            return await self.sender.send(request)
        except DestinationError as error:
            return Outcome(f"it is not set up: {error}")
        except Exception as error:  # noqa: BLE001
            # Neither its text nor its frames, which may have the URL.
            _LOG.error("a message was not sent: a bug of the operator: %s", type(error).__name__)
            return Outcome("the operator has a fault", of_message=True)

    def _note(self, job: Waiting, message: tuple[str, PendingMessage], outcome: Outcome) -> None:
        (key, what), name = message, self.destination.name
        self.count(name, "failed" if outcome.why else "delivered")
        if not outcome.why or outcome.of_message:
            self.breaker.succeeded()
            self._freed.set()
        else:
            self.breaker.failed(self.clock(), outcome.retry_after)
        if not outcome.why:
            job.took(key)
            self.changed(job.about.uid)
            return
        where = f"{job.about.namespace}/{job.about.name}"
        _LOG.warning("%s of %s was not delivered to %s: %s", what.event, where, name, outcome.why)
        place = self._places.get(job.about.namespace, {})
        known = place.pop(job.about.uid, None)
        if known is not None:
            place[job.about.uid] = known  # behind those that were not tried yet
        failures = job.failed(key, outcome.why)
        wait = _BACKOFF.seconds(failures) / 2 + _BACKOFF.jittered(failures, self.draw) / 2
        job.not_before[key] = self.clock() + max(wait, outcome.retry_after)
