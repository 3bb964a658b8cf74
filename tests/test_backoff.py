"""Waits grow by their factor up to their bound, whatever the number of failures."""

import pytest

from batchprocess.backoff import Backoff


def test_each_failure_waits_twice_as_long_as_the_one_before_up_to_the_bound():
    waits = [Backoff(1.0, 60.0).seconds(failures) for failures in range(1, 9)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_a_million_failures_wait_no_longer_than_the_bound():
    assert Backoff(0.1, 10.0).seconds(1_000_000) == 10.0
    assert Backoff(0.1, 1e300).seconds(1_000_000) == 1e300


def test_the_factor_may_be_any_above_one():
    assert Backoff(1.0, 5.0, factor=1.5).seconds(3) == 2.25
    assert Backoff(1.0, 81.0, factor=3.0).seconds(5) == 81.0


def test_jitter_draws_between_nothing_and_the_whole_wait():
    backoff = Backoff(0.5, 10.0)
    assert backoff.jittered(3, lambda: 0.0) == 0.0
    assert backoff.jittered(3, lambda: 0.75) == 1.5


@pytest.mark.parametrize(
    ("first", "most", "factor"),
    [(0.0, 1.0, 2.0), (2.0, 1.0, 2.0), (1.0, float("inf"), 2.0), (1.0, 2.0, 1.0)],
)
def test_waits_that_cannot_grow_to_a_bound_are_refused(first: float, most: float, factor: float):
    with pytest.raises(ValueError, match="do not grow"):
        Backoff(first, most, factor)
