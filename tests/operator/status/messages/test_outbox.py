"""What becomes of messages from one status to the next."""

from datetime import timedelta
from typing import Any

from batchprocess.api.notify.outbox import MAX_PENDING, Notifications, PendingMessage
from batchprocess.api.notify.settings import Notify
from batchprocess.api.status import BatchCounts, Status
from batchprocess_operator.model.notified import Notified, message_id
from batchprocess_operator.status.messages.outbox import (
    CONDITION,
    FAILING,
    MAX_AGE,
    due_again,
    with_messages,
)
from support.operator.objects import NOW, UID, job

NOTIFY = Notify.model_validate({"to": "team", "everyPercent": 10})
ABOUT = job().identity
THERE = Notified(names=("other", "team"))


def message(event: str = "Failed", ago: timedelta = timedelta(0), **more: Any) -> PendingMessage:
    return PendingMessage(event=event, time=NOW - ago, **more)


def having(*pending: PendingMessage, **more: Any) -> Status:
    return Status(state="Running", notifications=Notifications(pending=list(pending), **more))


def then(
    before: Status,
    after: Status | None = None,
    notified: Notified = THERE,
    notify: Notify | None = NOTIFY,
) -> Status:
    return with_messages(notify, ABOUT, before, after or Status(state="Running"), notified, NOW)


def told(status: Status) -> dict[str, str]:
    return {one.reason: one.message for one in status.conditions if one.type == CONDITION}


def box(status: Status) -> Notifications:
    assert status.notifications is not None
    return status.notifications


def test_a_message_stands_in_the_write_that_it_tells_of_and_stays_until_it_is_delivered() -> None:
    first = then(Status(state="Running"), Status(state="Failed"))
    assert [one.event for one in box(first).pending] == ["Failed"]
    assert then(first, Status(state="Failed")).notifications == first.notifications
    done = Notified(("team",), frozenset({f"{UID}-0-failed"}))
    last = then(first, Status(state="Failed"), done)
    assert (box(last).pending, box(last).delivered) == ([], 1)


def test_without_anything_to_tell_there_is_nothing_in_a_status() -> None:
    assert then(Status(state="Running")).notifications is None
    assert then(Status(state="Running"), notify=None).notifications is None


def test_who_takes_notify_away_is_told_nothing_more() -> None:
    left = then(having(message(), delivered=3), notify=None)
    assert (box(left).pending, box(left).delivered) == ([], 3)
    assert told(left) == {}


def test_of_progress_only_the_newest_waits() -> None:
    before = having(message("Progress", timedelta(seconds=60), percent=10), message("Stalled"))
    before = before.model_copy(update={"batches": BatchCounts(done=1, total=10)})
    after = Status.model_validate({"state": "Running", "batches": {"done": 2, "total": 10}})
    left = box(then(before, after))
    assert [(one.event, one.percent) for one in left.pending] == [
        ("Stalled", None),
        ("Progress", 20),
    ]
    assert left.lost == 0


def test_what_is_not_delivered_in_a_day_is_given_up_and_said() -> None:
    left = then(having(message(ago=MAX_AGE), message("Stalled", MAX_AGE / 2)))
    assert [one.event for one in box(left).pending] == ["Stalled"]
    assert box(left).lost == 1
    assert "DeliveryFailed" in told(left)
    over = then(having(lost=2))
    assert told(over)["MessagesLost"].startswith("2 messages were given up")


def test_more_than_fit_are_given_up_the_oldest_first() -> None:
    many = [message("Stalled", timedelta(hours=20 - n)) for n in range(MAX_PENDING)]
    left = box(then(having(*many), Status(state="Failed")))
    assert [one.event for one in left.pending] == ["Stalled"] * (MAX_PENDING - 1) + ["Failed"]
    assert left.lost == 1


def test_a_destination_that_is_not_there_is_told_with_those_that_are() -> None:
    wrong = Notify.model_validate({"to": "tema"})
    assert told(then(Status(), notify=wrong)) == {
        "UnknownDestination": 'spec.notify.to: "tema" is no destination for namespace team; '
        "there are: other, team"
    }
    none = told(then(Status(), notify=wrong, notified=Notified()))
    assert "none (chart value notifications.destinations)" in none["UnknownDestination"]


def test_a_delivery_that_fails_is_told_after_minutes_with_why() -> None:
    failing = message(ago=FAILING)
    known = Notified(("team",), failing={message_id(UID, failing): "it answered 500"})
    assert told(then(having(message()), notified=known)) == {}
    (text,) = told(then(having(failing), notified=known)).values()
    assert text.startswith("1 message is not delivered yet to team: it answered 500")


def test_the_next_look_is_when_a_message_is_told_of_or_given_up() -> None:
    assert due_again(Status(), NOW) == []
    assert due_again(having(message()), NOW) == [300, 86_400]
    assert due_again(having(message(ago=FAILING)), NOW) == [86_100]
    assert due_again(having(message(ago=MAX_AGE)), NOW) == []


def test_a_status_that_was_lost_and_is_made_again_tells_nothing_twice_in_it() -> None:
    first = message(ago=timedelta(minutes=1), message="as it was")
    before = Status(state="Running", notifications=Notifications(pending=[first]))
    (left,) = box(then(before, Status(state="Failed"))).pending
    assert left.message == "as it was"
