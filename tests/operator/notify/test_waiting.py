"""Which of a job's messages is next."""

from datetime import timedelta

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.notify.waiting import Waiting
from support.operator.objects import NOW, job

FIRST = PendingMessage(event="Stalled", time=NOW)
SECOND = PendingMessage(event="Failed", time=NOW + timedelta(minutes=1))


def waiting(*pending: PendingMessage) -> Waiting:
    made = Waiting(job().identity, "team")
    made.put(pending)
    return made


def test_messages_go_in_order() -> None:
    made = waiting(FIRST, SECOND)
    assert made.next_message() == FIRST
    made.take(FIRST, "")
    assert made.next_message() == SECOND
    made.take(SECOND, "")
    assert made.next_message() is None


def test_one_that_is_not_taken_holds_up_no_other() -> None:
    made = waiting(FIRST, SECOND)
    assert made.take(FIRST, "it answered 400") == 1
    assert made.next_message() == SECOND
    made.take(SECOND, "")
    assert made.next_message() == FIRST
    assert made.take(FIRST, "it answered 400") == 2


def test_what_is_delivered_stays_so_until_the_status_says_it() -> None:
    made = waiting(FIRST, SECOND)
    made.take(FIRST, "")
    made.put([FIRST, SECOND])
    assert made.next_message() == SECOND
    made.put([SECOND])
    assert made.delivered == set()
    assert made.next_message() == SECOND


def test_of_messages_that_are_gone_nothing_is_kept() -> None:
    made = waiting(FIRST)
    made.take(FIRST, "no answer")
    made.put([])
    assert (made.failures, made.why) == ({}, {})
