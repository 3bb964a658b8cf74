"""The way to one destination: few messages at a time, and what fails is tried ever more seldom."""

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
"""Jobs that wait for one destination. Others come back: their statuses have their messages."""
_BACKOFF = Backoff(first=5.0, most=600.0)


class Keys(Protocol):
    """Jobs whose turn it is, each once at a time."""

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
    """`changed` is called with a job whose message was delivered; `count` with each outcome."""

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
    _freed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Closed until something fails."""
        self.breaker = Breaker(self.draw, SECONDS + 1)

    def put(self, job: Waiting) -> bool:
        """Whether there is room for it."""
        uid = job.about.uid
        if uid not in self.jobs and len(self.jobs) >= MAX_JOBS:
            self.count(self.destination.name, "deferred")
            return False
        self.jobs[uid] = job
        if job.next_message() is not None:
            self.keys.add(uid)
        return True

    def drop(self, uid: str) -> None:
        """It has no messages for this destination any more."""
        if self.jobs.pop(uid, None) is not None:
            self.keys.forget(uid)

    async def work(self) -> None:
        """Deliver for ever. `AT_A_TIME` of these run for one destination."""
        while True:
            uid, pause = await self.keys.next_key(), _BACKOFF.most
            try:
                pause = await self._deliver(uid)
            finally:
                self.keys.done(uid, pause)

    async def _deliver(self, uid: str) -> float:
        """Seconds until the job's next message is tried."""
        while (wait := self.breaker.wait(self.clock())) > 0:
            self._freed.clear()
            try:
                await asyncio.wait_for(self._freed.wait(), wait)
            except TimeoutError:
                continue
        job = self.jobs.get(uid)
        message = None if job is None else job.next_message()
        if job is None or message is None:
            # Whoever waits for this try has to try by itself.
            self.breaker.left()
            self._freed.set()
            return 0.0
        return self._note(job, message, await self._try(job, message))

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

    def _note(self, job: Waiting, message: PendingMessage, outcome: Outcome) -> float:
        failures, name = job.take(message, outcome.why), self.destination.name
        self.count(name, "failed" if outcome.why else "delivered")
        if not outcome.why or outcome.of_message:
            self.breaker.succeeded()
            self._freed.set()
        else:
            self.breaker.failed(self.clock(), outcome.retry_after)
        if not outcome.why:
            self.changed(job.about.uid)
            if job.next_message() is not None:
                self.keys.add(job.about.uid)
            return 0.0
        where = f"{job.about.namespace}/{job.about.name}"
        _LOG.warning(
            "%s of %s was not delivered to %s: %s", message.event, where, name, outcome.why
        )
        seconds = _BACKOFF.seconds(failures)
        wait = seconds / 2 + _BACKOFF.jittered(failures, self.draw) / 2
        self.keys.add(job.about.uid)
        return max(wait, outcome.retry_after)
