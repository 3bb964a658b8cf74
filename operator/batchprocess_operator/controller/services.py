"""What every pass over a job works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from batchprocess_operator.apply.event_recorder import EventRecorder
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.kube.client import Api
from batchprocess_operator.model.reported import Reported
from batchprocess_operator.notify.notifier import Notifier
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.lookups import Lookups
from batchprocess_operator.watch.served_schema import ServedSchema


class Reports(Protocol):
    """What the progress endpoint has received."""

    def reported(self, uid: str) -> Reported:
        """The newest of one job."""

    def forget(self, uid: str) -> None:
        """The job is gone."""


class StatusWritten(Protocol):
    """Called with the states before and after."""

    def __call__(self, before: str | None, after: str | None, *, written: bool) -> None:
        """Whether it was written, or somebody else's came first."""


def _nobody(before: str | None, after: str | None, *, written: bool) -> None:
    """Nobody counts."""


@dataclass(frozen=True)
class Services:
    """One of each for the whole process. `clock` is the loop's, in seconds."""

    api: Api
    cache: JobCache
    queue: WorkQueue
    reports: Reports
    lookups: Lookups
    served_schema: ServedSchema
    recorder: EventRecorder
    clock: Callable[[], float]
    status_written: StatusWritten = _nobody
    notifier: Notifier = field(default_factory=Notifier)
