"""Which workers of a local run are tried again."""

import pytest

from batchprocess.agent.local.retries import RETRY_SECONDS, Tally


def test_a_failing_worker_is_tried_again_as_often_as_allowed():
    tally = Tally(workers=1, retries=2)
    for _ in range(3):
        assert tally.todo == [0]
        tally.todo.clear()
        tally.ended(0, 90, "boom")
    assert tally.todo == []
    assert tally.worst() == (90, "boom")


def test_who_ends_twice_with_the_same_words_before_its_claim_is_not_tried_again():
    tally = Tally(workers=1, retries=9)
    for message, claimed in [("a", False), ("b", False), ("b", True), ("b", False)]:
        tally.ended(0, 1, message, claimed=claimed)
    assert tally.failed == {}
    tally.ended(0, 1, "b", claimed=False)
    assert tally.failed == {0: (1, "b")}


def test_tries_are_numbered():
    tally = Tally(workers=1, retries=3)
    assert tally.next_try(0) is None
    tally.todo.clear()
    tally.ended(0, 90, "boom")
    assert tally.next_try(0) == "2 of 4"


@pytest.mark.parametrize(
    ("code", "fatal"), [(91, True), (95, True), (87, True), (88, True), (1, False)]
)
def test_what_no_retry_can_mend_ends_the_run(code, fatal):
    tally = Tally(workers=2, retries=3)
    tally.ended(1, code, "why")
    assert tally.over is fatal


def test_user_errors_fail_at_once_if_the_job_says_so():
    tally = Tally(workers=1, retries=3, fail_on_user_code=True)
    tally.todo.clear()
    tally.ended(0, 90, "boom")
    assert tally.failed == {0: (90, "boom")}


def test_an_error_of_user_code_is_tried_again_after_a_while_and_meanwhile_others_are():
    tally = Tally(workers=2, retries=3)
    assert tally.take(0) == 0
    tally.ended(0, 90, "boom", now=10)
    assert tally.take(10) == 1
    assert tally.take(10) is None
    tally.ended(1, 1, "killed", now=10)
    assert tally.take(10) == 1
    assert tally.take(10 + RETRY_SECONDS) == 0
