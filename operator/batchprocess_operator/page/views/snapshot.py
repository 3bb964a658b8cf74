"""All that is known of one job at a moment, taken where it changes and read where it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchprocess_operator.endpoint.report_store import ReceivedReport
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.observe.stored_job import StoredJob


@dataclass(frozen=True, slots=True)
class Samples:
    """As `history.Series`, a copy; `every`: seconds between two of them."""

    times: Sequence[float] = ()
    rates: Sequence[float] = ()
    rows: Sequence[float] = ()
    left: Sequence[float] = ()
    every: float = 0.0


@dataclass(frozen=True, slots=True)
class EventSeen:
    """One Event about the job, as the API server has it, its texts cut."""

    warning: bool
    reason: str
    message: str
    times: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Values that nobody changes any more.

    `events`, `pods`: None and False for who may not read them there; None also of Events that
    cannot be read.
    """

    stored: StoredJob
    observed: Observed
    newest: Mapping[int, ReceivedReport]
    samples: Samples
    events: Sequence[EventSeen] | None
    pods: bool
    now: datetime
