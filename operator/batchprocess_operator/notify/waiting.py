"""The messages of one job that are to be delivered, and how far that is. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.notified import message_id


@dataclass
class Waiting:
    """Memory of this process, all of it dispensable: what counts is in the job's status."""

    about: JobIdentity
    to: str
    pending: Sequence[PendingMessage] = ()
    delivered: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def id_of(self, message: PendingMessage) -> str:
        """Of one of its messages."""
        return message_id(self.about.uid, message)

    def put(self, pending: Sequence[PendingMessage]) -> None:
        """What the status has now; the rest is forgotten."""
        self.pending = tuple(pending)
        ids = {self.id_of(one) for one in pending}
        self.delivered &= ids
        self.failures = {key: n for key, n in self.failures.items() if key in ids}
        self.why = {key: text for key, text in self.why.items() if key in ids}

    def next_message(self) -> PendingMessage | None:
        """The oldest of those that have failed least: one that is not taken holds up no other."""
        left = [one for one in self.pending if self.id_of(one) not in self.delivered]
        return min(left, key=lambda one: self.failures.get(self.id_of(one), 0), default=None)

    def take(self, message: PendingMessage, why: str) -> int:
        """Note how a try has ended, well if `why` is empty; returns how often it has failed."""
        key = self.id_of(message)
        if not why:
            self.delivered.add(key)
            return 0
        self.why[key] = why
        self.failures[key] = self.failures.get(key, 0) + 1
        return self.failures[key]
