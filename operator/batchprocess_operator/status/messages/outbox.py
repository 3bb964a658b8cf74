"""A status with its messages: what is due, what was delivered, what is given up. Pure.

A message is in the very write that it tells of, and stays until a later write says that it was
delivered. So whenever the operator dies, it is sent, and at worst sent again under the same id.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from batchprocess.api.notify.outbox import MAX_PENDING, Notifications, PendingMessage
from batchprocess.api.notify.settings import Notify
from batchprocess.api.status import Status
from batchprocess_operator.model.conditions import Fact, merge
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.notified import Notified, message_id
from batchprocess_operator.model.words import counted
from batchprocess_operator.status.messages.due import due_messages

MAX_AGE = timedelta(hours=24)
"""What was not delivered by then is given up."""
FAILING = timedelta(minutes=5)
"""So long a message may wait until the job's status tells of it."""
CONDITION = "NotificationsFailed"


def with_messages(
    notify: Notify | None,
    about: JobIdentity,
    before: Status,
    after: Status,
    notified: Notified,
    now: datetime,
) -> Status:
    """`after`, with what becomes of the messages that `before` has, and with those due now."""
    fresh = [] if notify is None else list(due_messages(notify, before, after, now))
    left = _next(about.uid, before, notified.delivered, now, fresh)
    if notify is None and left is not None:
        left = left.model_copy(update={"pending": []})
    facts = [] if notify is None else _failing(notify, about, left, notified, now)
    told = merge(before.conditions, facts, generation=about.generation, now=now)
    others = [one for one in after.conditions if one.type != CONDITION]
    return after.model_copy(update={"notifications": left, "conditions": [*others, *told]})


def due_again(status: Status, now: datetime) -> list[float]:
    """Seconds until the oldest message is told of, and given up."""
    if status.notifications is None or not status.notifications.pending:
        return []
    age = now - status.notifications.pending[0].time
    return [(limit - age).total_seconds() for limit in (FAILING, MAX_AGE) if limit > age]


def _next(
    uid: str,
    before: Status,
    delivered: Collection[str],
    now: datetime,
    fresh: list[PendingMessage],
) -> Notifications | None:
    kept = before.notifications or Notifications()
    left = [one for one in kept.pending if message_id(uid, one) not in delivered]
    young = [one for one in left if now - one.time < MAX_AGE]
    pending = _without_double(uid, [*young, *fresh])
    stalled = [one.time for one in fresh if one.event == "Stalled"]
    lost = len(left) - len(young) + max(len(pending) - MAX_PENDING, 0)
    made = Notifications(
        pending=pending[-MAX_PENDING:],
        delivered=kept.delivered + len(kept.pending) - len(left),
        lost=kept.lost + lost,
        stalled_time=max(stalled, default=kept.stalled_time),
    )
    return None if before.notifications is None and made == Notifications() else made


def _without_double(uid: str, messages: list[PendingMessage]) -> list[PendingMessage]:
    """Of progress the newest, and nothing twice: a status that was lost is made again."""
    newest = max((one.time for one in messages if one.event == "Progress"), default=None)
    found = {
        message_id(uid, one): one
        for one in reversed(messages)
        if one.event != "Progress" or one.time == newest
    }
    return list(found.values())[::-1]


def _failing(
    notify: Notify,
    about: JobIdentity,
    left: Notifications | None,
    notified: Notified,
    now: datetime,
) -> list[Fact]:
    if notify.to not in notified.names:
        there = ", ".join(notified.names) or "none (chart value notifications.destinations)"
        what = f'spec.notify.to: "{notify.to}" is no destination for namespace {about.namespace}'
        return [Fact(CONDITION, True, "UnknownDestination", f"{what}; there are: {there}")]
    waiting = [] if left is None else [m for m in left.pending if now - m.time >= FAILING]
    how = [notified.failing.get(message_id(about.uid, one)) for one in waiting]
    if waiting:
        why = next((one for one in how if one), "its turn has not come")
        verb = "is" if len(waiting) == 1 else "are"
        what = f"{counted(len(waiting), 'message')} {verb} not delivered yet to {notify.to}: {why}"
        return [Fact(CONDITION, True, "DeliveryFailed", f"{what}; each is given up after 24 hours")]
    if left is not None and left.lost:
        verb = "was" if left.lost == 1 else "were"
        why = "not delivered in 24 hours, or too many"
        what = f"{counted(left.lost, 'message')} {verb} given up: {why}"
        return [Fact(CONDITION, True, "MessagesLost", what)]
    return []
