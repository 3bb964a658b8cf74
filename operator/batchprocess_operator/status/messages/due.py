"""Which messages a new status is worth. Pure.

They follow from two statuses, of which one is written once, as events do.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from batchprocess.api.notify.outbox import MessageEvent, PendingMessage
from batchprocess.api.notify.settings import Notify
from batchprocess.api.status import Condition, Status
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.job import FINAL, SUCCESSFUL

SETTLED = timedelta(minutes=10)
"""So long a job does not get on until it is told: nodes take minutes to come."""
AGAIN = timedelta(hours=1)
"""Between two messages that a job is stalled, however often it goes on in between."""


def due_messages(
    notify: Notify, before: Status, after: Status, now: datetime
) -> Iterator[PendingMessage]:
    """Oldest first."""
    if notify.every_percent is not None and (percent := _step(notify.every_percent, after)):
        behind = _step(notify.every_percent, before)
        if after.state not in FINAL and behind < percent < 100:
            yield _message("Progress", after, now, percent=percent)
    if notify.wants("Stalled") and (why := _stalled(before, after, now)) is not None:
        yield _message("Stalled", after, now, why)
    conditions = by_type(after.conditions)
    if notify.wants("Complete") and _ended_well(after) and not _ended_well(before):
        yield _message("Complete", after, now, conditions.get("Complete"))
    # A retry may fail before anything else was written of it.
    again = (before.state, before.retry) == ("Failed", after.retry)
    if notify.wants("Failed") and after.state == "Failed" and not again:
        yield _message("Failed", after, now, conditions.get("Failed"))


def _ended_well(status: Status) -> bool:
    return status.state in SUCCESSFUL


def _step(every: int, status: Status) -> int:
    """Percent of all batches that are committed, rounded down to a multiple of `every`."""
    batches = status.batches
    if batches is None or not batches.total:
        return 0
    return 100 * batches.done // batches.total // every * every


def _stalled(before: Status, after: Status, now: datetime) -> Condition | None:
    """Why the job does not get on, if that is to be told: once for as long as it is so."""
    if after.state in FINAL:
        return None
    known = by_type(after.conditions)
    stuck, idle = known.get("Stalled"), known.get("Progressing")
    why = stuck if stuck is not None and stuck.status == "True" else None
    if why is None and idle is not None and idle.status == "False":
        why = idle if now - idle.last_transition_time >= SETTLED else None
    told = None if before.notifications is None else before.notifications.stalled_time
    if why is None or told is None:
        return why
    return why if told < why.last_transition_time and now - told >= AGAIN else None


def _message(
    event: MessageEvent,
    after: Status,
    now: datetime,
    why: Condition | None = None,
    percent: int | None = None,
) -> PendingMessage:
    batches, shards = after.batches, after.shards
    return PendingMessage(
        event=event,
        time=now,
        retry=after.retry,
        state=after.state,
        percent=percent,
        reason=None if why is None else why.reason,
        message=None if why is None or not why.message else why.message,
        batches_done=None if batches is None else batches.done,
        batches_total=None if batches is None else batches.total,
        rows=after.rows,
        bad_rows=after.bad_rows,
        shards_failed=None if shards is None else shards.failed,
    )
