"""The messages of one job that are to be delivered, and how far that is. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.notified import message_id


@dataclass
class Waiting:
    """Memory of this process, all of it dispensable: what counts is in the job's status.

    `left`: by id and in order, what is not delivered; `not_before`: seconds by the loop's clock.
    """

    about: JobIdentity
    to: str
    delivered: set[str] = field(default_factory=set)
    left: dict[str, PendingMessage] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def put(self, pending: Sequence[PendingMessage]) -> None:
        """What the status has now; the rest is forgotten."""
        known = {message_id(self.about.uid, one): one for one in pending}
        self.delivered &= known.keys()
        self.left = {key: one for key, one in known.items() if key not in self.delivered}
        self.failures = {key: self.failures[key] for key in self.failures if key in self.left}
        self.not_before = {key: self.not_before[key] for key in self.not_before if key in self.left}
        self.why = {key: self.why[key] for key in self.why if key in self.left}

    @property
    def due(self) -> float | None:
        """When the next message may be tried; None if there is none."""
        if self.not_before:
            return min((self.not_before.get(key, 0.0) for key in self.left), default=None)
        return 0.0 if self.left else None

    def next_message(self, now: float) -> tuple[str, PendingMessage] | None:
        """The oldest that may be tried, with its id: one that is not taken holds up no other."""
        ready = (it for it in self.left.items() if self.not_before.get(it[0], 0.0) <= now)
        return next(ready, None)

    def took(self, key: str) -> None:
        """It was delivered."""
        self.delivered.add(key)
        for known in (self.left, self.failures, self.not_before, self.why):
            known.pop(key, None)

    def failed(self, key: str, why: str) -> int:
        """It was not; returns how often."""
        self.why[key] = why
        self.failures[key] = self.failures.get(key, 0) + 1
        return self.failures[key]
