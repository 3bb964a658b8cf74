"""Calls side by side: how many, in which order, and when they end."""

import threading
from functools import partial

import pytest

from batchprocess.runs.parallel import Threads


def test_results_keep_the_order_of_the_calls_whichever_ends_first():
    first_may_end = threading.Event()

    def call(number):
        if number == 0:
            first_may_end.wait(30)
        else:
            first_may_end.set()
        return number

    with Threads(2) as threads:
        assert list(threads.in_order(partial(call, number) for number in range(5))) == [*range(5)]


def test_no_more_calls_are_begun_than_may_wait():
    begun = []
    with Threads(3) as threads:
        results = threads.in_order(begun.append(n) or partial(int, n) for n in range(100))
        assert [next(results), next(results)] == [0, 1]
        assert begun == [0, 1, 2, 3]


def test_the_first_error_is_raised_and_nothing_more_is_begun():
    begun = []

    def call(number):
        begun.append(number)
        if number == 2:
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="2"), Threads(1) as threads:
        list(threads.in_order(partial(call, number) for number in range(50)))
    assert begun == [0, 1, 2]


def test_leaving_tells_calls_that_are_under_way():
    told, begun = [], threading.Event()
    with Threads(2) as threads:

        def waits():
            begun.set()
            told.append(threads.stopped.wait(30))

        next(threads.in_order([partial(begun.wait, 30), waits]))
    assert told == [True]
