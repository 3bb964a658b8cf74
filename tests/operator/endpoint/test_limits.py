"""How often reports may come."""

import pytest

from batchprocess_operator.endpoint.limits import Limits
from batchprocess_operator.listen.meters import Rate


def test_a_pod_may_say_a_few_words_at_once_and_then_one_every_five_seconds():
    limits = Limits()
    assert [limits.admit("pod", "ns", 100.0) for _ in range(5)] == [None, None, None, None, 5]
    assert limits.admit("pod", "ns", 104.0) == 1
    assert limits.admit("pod", "ns", 105.0) is None
    assert limits.admit("pod", "ns", 105.5) == 5


def test_a_pod_that_reports_every_five_seconds_is_never_refused():
    limits = Limits()
    assert {limits.admit("pod", "ns", 5.0 * n) for n in range(1_000)} == {None}


@pytest.mark.hostile
def test_one_pod_does_not_use_up_what_another_may_say():
    limits = Limits(pod=Rate(5, burst=1))
    assert limits.admit("one", "ns", 0.0) is None
    assert limits.admit("one", "ns", 0.0) == 5
    assert limits.admit("other", "ns", 0.0) is None


@pytest.mark.hostile
def test_one_namespace_does_not_use_up_what_another_may_say():
    limits = Limits(namespace=Rate(1, burst=2))
    said = [limits.admit(f"pod-{n}", "greedy", 0.0) for n in range(3)]
    assert said == [None, None, 1]
    assert limits.admit("pod", "modest", 0.0) is None


@pytest.mark.hostile
def test_all_together_are_bounded():
    limits = Limits(everybody=Rate(2, burst=2))
    assert [limits.admit(f"pod-{n}", f"ns-{n}", 0.0) for n in range(3)] == [None, None, 2]


def test_a_refused_report_costs_nobody_anything():
    limits = Limits(pod=Rate(10, burst=1), namespace=Rate(1, burst=2))
    assert limits.admit("one", "ns", 0.0) is None
    assert [limits.admit("one", "ns", 0.0) for _ in range(50)] == [10] * 50
    assert limits.admit("two", "ns", 0.0) is None


@pytest.mark.hostile
def test_whoever_asks_as_often_as_told_is_never_blamed_and_a_flood_is():
    limits = Limits()
    assert {limits.ask("pod", 5.0 * n) for n in range(100)} == {True}
    assert [limits.ask("other", 0.0) for _ in range(10)] == [True] * 8 + [False] * 2
