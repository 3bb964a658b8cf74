"""What the controller knows of destinations: their names, and whoever takes messages to them."""

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.notified import Notified
from batchprocess_operator.notify.lane import AT_A_TIME, Lane
from batchprocess_operator.notify.waiting import Waiting


@dataclass
class Notifier:
    """`lanes`: by the name of their destination; none where the platform has set up none."""

    lanes: Mapping[str, Lane] = field(default_factory=dict)
    _jobs: dict[str, Waiting] = field(default_factory=dict)

    def workers(self) -> Iterator[Callable[[], Coroutine[None, None, None]]]:
        """What is to run for ever."""
        for lane in self.lanes.values():
            yield from [lane.work] * AT_A_TIME

    def notified(self, about: JobIdentity) -> Notified:
        """What is known of a job's messages outside of its status."""
        names = (name for name, lane in self.lanes.items() if _serves(lane, about))
        job = self._jobs.get(about.uid) or Waiting(about, "")
        return Notified(tuple(sorted(names)), frozenset(job.delivered), dict(job.why))

    def offer(self, about: JobIdentity, to: str, pending: Sequence[PendingMessage]) -> bool:
        """Deliver what a written status has; again is harmless. False: later, there is no room.

        A destination that is not there, or not for this namespace, gets nothing.
        """
        job, lane = self._jobs.get(about.uid), self.lanes.get(to)
        if not pending or lane is None or not _serves(lane, about):
            self.forget(about.uid)
            return True
        if job is None or job.to != to:
            self.forget(about.uid)
            # What another destination has had stays delivered until the status says so.
            job = Waiting(about, to, delivered=set() if job is None else job.delivered)
        job.put(pending)
        if not lane.put(job):
            return False
        self._jobs[about.uid] = job
        return True

    def forget(self, uid: str) -> None:
        """The job is gone, or has nothing to tell."""
        job = self._jobs.pop(uid, None)
        if job is not None and job.to in self.lanes:
            self.lanes[job.to].drop(uid)

    def lost(self, to: str, number: int) -> None:
        """So many messages were given up."""
        if to in self.lanes:
            for _ in range(number):
                self.lanes[to].count(to, "lost")


def _serves(lane: Lane, about: JobIdentity) -> bool:
    return lane.destination.serves(about.namespace)
