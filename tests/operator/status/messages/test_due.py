"""Which messages a new status is worth."""

from datetime import timedelta
from typing import Any

import pytest

from batchprocess.api.notify.outbox import Notifications
from batchprocess.api.notify.settings import Notify
from batchprocess.api.status import BatchCounts, Condition, Status
from batchprocess_operator.status.messages.due import AGAIN, SETTLED, due_messages
from support.operator.objects import NOW

ALL = Notify.model_validate({"to": "team", "everyPercent": 25})


def status(state: str = "Running", *conditions: Condition, done: int = 0, **more: Any) -> Status:
    batches = BatchCounts(done=done, total=100)
    return Status(state=state, conditions=list(conditions), batches=batches, **more)


def said(kind: str, true: bool = True, reason: str = "Because", ago: float = 0) -> Condition:
    return Condition(
        type=kind,
        status="True" if true else "False",
        reason=reason,
        message="so it is",
        last_transition_time=NOW - timedelta(seconds=ago),
    )


def events(before: Status, after: Status, notify: Notify = ALL) -> list[str]:
    made = due_messages(notify, before, after, NOW)
    return [one.event if one.percent is None else f"{one.percent}%" for one in made]


class TestProgress:
    def test_is_told_at_each_multiple_and_of_several_the_last(self) -> None:
        assert events(status(done=24), status(done=25)) == ["25%"]
        assert events(status(done=25), status(done=49)) == []
        assert events(status(done=10), status(done=99)) == ["75%"]

    def test_is_not_told_of_all_batches_nor_of_an_end(self) -> None:
        assert events(status(done=80), status(done=100)) == []
        failed = status("Failed", said("Failed"), done=60)
        assert events(status(done=10), failed) == ["Failed"]

    def test_is_told_only_if_asked_for_and_once_batches_are_counted(self) -> None:
        quiet = Notify.model_validate({"to": "team"})
        assert events(status(done=10), status(done=60), quiet) == []
        assert events(Status(), Status(batches=BatchCounts(done=60))) == []


class TestAnEnd:
    @pytest.mark.parametrize("state", ["Complete", "CompleteWithFailures"])
    def test_of_a_final_run_is_told_once(self, state: str) -> None:
        final = status(state, said("Complete"))
        assert events(status(), final) == ["Complete"]
        assert events(final, final.model_copy(update={"retry": 1})) == []

    def test_of_a_failed_job_is_told_once_a_retry(self) -> None:
        failed = status("Failed", said("Failed"))
        assert events(status(), failed) == ["Failed"]
        assert events(failed, failed) == []
        assert events(failed, failed.model_copy(update={"retry": 1})) == ["Failed"]

    def test_says_what_the_condition_says(self) -> None:
        failed = status("Failed", said("Failed", reason="CannotWork"), done=7, rows=70)
        (message,) = due_messages(ALL, status(), failed, NOW)
        assert (message.reason, message.message) == ("CannotWork", "so it is")
        assert (message.batches_done, message.batches_total, message.rows) == (7, 100, 70)

    def test_that_was_not_asked_for_is_not_told(self) -> None:
        only = Notify.model_validate({"to": "team", "events": ["Stalled"]})
        assert events(status(), status("Failed", said("Failed")), only) == []
        assert events(status(), status("Complete", said("Complete")), only) == []


class TestAStall:
    def test_that_needs_a_person_is_told_at_once(self) -> None:
        assert events(status(), status("Running", said("Stalled"))) == ["Stalled"]

    def test_of_batches_is_told_once_it_has_lasted(self) -> None:
        long = SETTLED.total_seconds()
        young = status("Running", said("Progressing", False, ago=long - 1))
        old = status("Running", said("Progressing", False, ago=long))
        assert events(status(), young) == []
        assert events(status(), old) == ["Stalled"]

    def test_is_told_once_for_as_long_as_it_lasts(self) -> None:
        told = Notifications(stalled_time=NOW - 2 * AGAIN)
        before = status(notifications=told)
        lasting = status("Running", said("Stalled", ago=3 * AGAIN.total_seconds()))
        anew = status("Running", said("Stalled", ago=AGAIN.total_seconds()))
        assert events(before, lasting) == []
        assert events(before, anew) == ["Stalled"]

    def test_that_comes_and_goes_is_told_once_an_hour(self) -> None:
        before = status(notifications=Notifications(stalled_time=NOW - AGAIN / 2))
        assert events(before, status("Running", said("Stalled"))) == []

    def test_of_a_job_that_is_over_is_its_end(self) -> None:
        failed = status("Failed", said("Failed"), said("Stalled"))
        assert events(status(), failed) == ["Failed"]
