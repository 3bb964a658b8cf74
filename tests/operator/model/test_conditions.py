"""Conditions and when they changed."""

from datetime import timedelta

import pytest

from batchprocess.plain_text import MAX_MESSAGE
from batchprocess_operator.model.conditions import (
    MAX_REASON,
    Fact,
    by_type,
    merge,
)
from support.operator.objects import NOW

LATER = NOW + timedelta(seconds=60)


def once(*facts: Fact):
    return merge([], facts, generation=1, now=NOW)


def test_the_time_stays_while_the_status_stays_though_reason_and_generation_change() -> None:
    before = once(Fact("Running", True, "PodsRunning", "1 pod"))
    (after,) = merge(before, [Fact("Running", True, "Other", "2 pods")], generation=2, now=LATER)
    assert after.last_transition_time == NOW
    assert (after.reason, after.message, after.observed_generation) == ("Other", "2 pods", 2)


def test_the_time_moves_when_the_status_changes() -> None:
    before = once(Fact("Running", True, "PodsRunning"))
    (after,) = merge(before, [Fact("Running", False, "Suspended")], generation=1, now=LATER)
    assert after.last_transition_time == LATER


def test_a_type_that_no_fact_names_is_gone() -> None:
    before = once(Fact("Running", True, "A"), Fact("WaitingForNode", True, "NodeLost"))
    after = merge(before, [Fact("Running", True, "A")], generation=1, now=LATER)
    assert list(by_type(after)) == ["Running"]


@pytest.mark.hostile
def test_long_messages_are_cut() -> None:
    (one,) = once(Fact("Failed", True, "A", "x" * 5000))
    assert len(one.message) == MAX_MESSAGE


@pytest.mark.hostile
def test_long_reasons_are_cut_for_anybody_may_write_events() -> None:
    (one,) = once(Fact("PodsStarting", False, "x" * 5000))
    assert one.reason == "x" * MAX_REASON


def test_only_a_true_condition_holds() -> None:
    told = once(Fact("Running", False, "A"), Fact("Failed", True, "B"))
    status = {one.type: one.status for one in told}
    assert status == {"Running": "False", "Failed": "True"}


@pytest.mark.hostile
def test_a_reason_that_is_no_word_is_made_one_or_the_status_would_be_refused() -> None:
    for reason, word in [("9 lives, ok!", "livesok"), ("", "Unknown"), ("\u00e9\u00e9", "Unknown")]:
        (one,) = once(Fact("PodsStarting", False, reason))
        assert one.reason == word


@pytest.mark.hostile
def test_control_characters_of_user_code_do_not_reach_a_terminal() -> None:
    (one,) = once(Fact("Failed", True, "A", "red \x1b[31malert\nnext"))
    assert one.message == "red  [31malert next"
