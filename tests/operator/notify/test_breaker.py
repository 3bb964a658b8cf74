"""A destination that does not take messages is tried now and then, by one at a time."""

from batchprocess_operator.notify.breaker import Breaker


def breaker() -> Breaker:
    return Breaker(lambda: 1.0, longest=11.0)


def test_all_may_try_one_that_works() -> None:
    made = breaker()
    assert [made.wait(5.0), made.wait(5.0)] == [0.0, 0.0]


def test_after_a_failure_one_tries_and_the_others_wait_for_it() -> None:
    made = breaker()
    made.failed(10.0, 0.0)
    assert made.wait(10.0) == 1.0
    assert made.wait(11.0) == 0.0
    assert made.wait(11.0) == 11.0
    made.succeeded()
    assert made.wait(11.0) == 0.0


def test_failures_in_a_row_are_waited_for_longer_up_to_a_bound() -> None:
    made, waits = breaker(), []
    for _ in range(8):
        made.failed(0.0, 0.0)
        waits.append(made.wait(0.0))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_chance_shortens_a_wait_by_half_at_most() -> None:
    made = Breaker(lambda: 0.0, longest=11.0)
    made.failed(0.0, 0.0)
    assert made.wait(0.0) == 0.5


def test_who_asks_to_be_left_alone_is() -> None:
    made = breaker()
    made.failed(0.0, 120.0)
    assert made.wait(0.0) == 120.0


def test_who_had_to_try_and_has_nothing_to_send_lets_the_next_one() -> None:
    made = breaker()
    made.failed(0.0, 0.0)
    assert made.wait(1.0) == 0.0
    made.left()
    assert made.wait(1.0) == 0.0
