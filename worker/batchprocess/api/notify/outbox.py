"""Messages that a job's status has until they are delivered: status.notifications."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from batchprocess.api.base import StatusModel
from batchprocess.api.scalars import Count, LongText, ShortText

MAX_PENDING = 8
MessageEvent = Literal["Complete", "Failed", "Stalled", "Progress"]


class PendingMessage(StatusModel):
    """A message that is not delivered yet. With the job's identity it is all that is sent."""

    event: MessageEvent
    """What it tells."""
    time: datetime
    """When it became so."""
    retry: Count = 0
    """status.retry at that time."""
    state: ShortText | None = None
    """status.state at that time."""
    percent: Count | None = None
    """Of an event Progress: the percent that are done."""
    reason: ShortText | None = None
    """Why, as one word for programs."""
    message: LongText | None = None
    """Why, as a sentence for people."""
    batches_done: Count | None = None
    """Committed batches at that time."""
    batches_total: Count | None = None
    """All batches, if they were counted."""
    rows: Count | None = None
    """Rows of the committed batches."""
    bad_rows: Count | None = None
    """Rows that were left out of them."""
    shards_failed: Count | None = None
    """Shards that had failed."""


class Notifications(StatusModel):
    """What becomes of the job's messages; written in the same write as what they tell."""

    pending: list[PendingMessage] = Field(default=[], max_length=MAX_PENDING)
    """Messages that are not delivered yet, at most 8."""
    delivered: Count = 0
    """Messages that their destination has taken."""
    lost: Count = 0
    """Messages that were given up after 24 hours, or for newer ones."""
    stalled_time: datetime | None = None
    """When the last message Stalled was made: at most one an hour is."""
