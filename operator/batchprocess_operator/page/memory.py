"""What the page knows of jobs: what the operator has in memory, taken as values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchprocess_operator.endpoint.progress_tracker import ProgressTracker
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.observe.stored_job import StoredJob
from batchprocess_operator.page.history import History
from batchprocess_operator.page.views.snapshot import EventSeen, Samples, Snapshot
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.entry import Entry


def jobs_in(cache: JobCache) -> list[StoredJob]:
    """All of which the object itself is known."""
    return [one.job for one in cache.entries.values() if one.job is not None]


@dataclass(frozen=True)
class Memory:
    """`now` by the clock that all ages are by."""

    cache: JobCache
    tracker: ProgressTracker
    history: History
    now: Callable[[], datetime]

    def jobs(self) -> list[StoredJob]:
        """All that are known."""
        return jobs_in(self.cache)

    def find(self, namespace: str, name: str) -> Entry | None:
        """The job of this name, the newest if one of that name was there before."""
        found = [
            one
            for one in self.cache.entries.values()
            if one.job is not None and (one.job.namespace, one.job.name) == (namespace, name)
        ]
        return max(found, key=lambda one: one.job.version if one.job else 0, default=None)

    def snapshot(
        self, entry: Entry, events: Sequence[EventSeen] | None, *, pods: bool
    ) -> Snapshot | None:
        """All of one job, copied: what is made of it may take a while, and is made elsewhere."""
        if entry.job is None:
            return None
        uid = entry.job.uid
        series = self.history.of(uid)
        columns = (tuple(series.times), tuple(series.rates), tuple(series.rows), tuple(series.left))
        return Snapshot(
            stored=entry.job,
            observed=Observed(
                children=tuple(entry.children.values()),
                pods=tuple(entry.pods.values()),
                gone=tuple(entry.gone.values()),
                reported=self.tracker.reported(uid),
            ),
            newest=dict(self.tracker.store.newest(uid)),
            samples=Samples(*columns, every=series.every),
            events=events,
            pods=pods,
            now=self.now(),
        )
