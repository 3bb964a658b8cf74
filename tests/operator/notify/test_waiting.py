"""Which of a job's messages is next."""

from datetime import timedelta

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.notify.waiting import Waiting
from support.operator.objects import NOW, UID, job

FIRST = PendingMessage(event="Stalled", time=NOW)
SECOND = PendingMessage(event="Failed", time=NOW + timedelta(minutes=1))


ONE, TWO = (f"{UID}-0-stalled-{NOW.timestamp():.0f}", f"{UID}-0-failed")


def waiting(*pending: PendingMessage) -> Waiting:
    made = Waiting(job().identity, "team")
    made.put(pending)
    return made


def test_messages_go_in_order() -> None:
    made = waiting(FIRST, SECOND)
    assert made.next_message(0) == (ONE, FIRST)
    made.took(ONE)
    assert made.next_message(0) == (TWO, SECOND)
    made.took(TWO)
    assert (made.next_message(0), made.due) == (None, None)


def test_one_that_is_not_taken_holds_up_no_other() -> None:
    made = waiting(FIRST, SECOND)
    assert made.failed(ONE, "it answered 400") == 1
    made.not_before[ONE] = 5.0
    assert made.due == 0
    assert made.next_message(0) == (TWO, SECOND)
    made.took(TWO)
    assert made.due == 5
    assert made.next_message(4) is None
    assert made.next_message(5) == (ONE, FIRST)
    assert made.failed(ONE, "it answered 400") == 2


def test_what_is_delivered_stays_so_until_the_status_says_it() -> None:
    made = waiting(FIRST, SECOND)
    made.took(ONE)
    made.put([FIRST, SECOND])
    assert made.next_message(0) == (TWO, SECOND)
    made.put([SECOND])
    assert made.delivered == set()
    assert made.next_message(0) == (TWO, SECOND)


def test_of_messages_that_are_gone_nothing_is_kept() -> None:
    made = waiting(FIRST)
    made.failed(ONE, "no answer")
    made.not_before[ONE] = 5.0
    made.put([])
    assert (made.failures, made.why, made.not_before) == ({}, {}, {})
