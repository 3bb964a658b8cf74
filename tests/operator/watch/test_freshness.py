"""Which version is believed, of those that come late and in any order."""

import pytest

from batchprocess_operator.watch.freshness import MAX_BURIED, Freshness


@pytest.mark.parametrize(
    ("version", "known", "taken"), [(2, None, 1), (2, 2, 1), (3, 2, 1), (1, 2, 0)]
)
def test_a_watch_never_goes_back(version, known, taken):
    assert Freshness().admits("a", version, known, None) is bool(taken)


def test_an_answer_may_go_back_unless_something_was_heard_while_it_was_under_way():
    fresh = Freshness()
    with fresh.reading() as reading:
        assert fresh.admits("a", 1, 9, reading)
        assert fresh.admits("b", 9, 8, None)
        assert not fresh.admits("b", 8, 9, reading)
        fresh.bury(["c"], 9)
        assert not fresh.admits("c", 8, None, reading)
        assert fresh.is_gone("c")


def test_of_two_answers_the_later_one_does_not_go_back_behind_the_first():
    fresh = Freshness()
    with fresh.reading() as first, fresh.reading() as second:
        assert fresh.admits("a", 5, 9, first)
        assert not fresh.admits("a", 4, 5, second)
    with fresh.reading() as third:
        assert fresh.admits("a", 4, 5, third)


def test_what_is_gone_comes_back_with_a_larger_version_or_by_an_answer():
    fresh = Freshness()
    fresh.bury(["a"], 5)
    assert not fresh.admits("a", 5, None, None)
    assert fresh.admits("a", 6, None, None)
    fresh.bury(["b"])
    assert not fresh.admits("b", 10**9, None, None)
    with fresh.reading() as reading:
        assert fresh.admits("b", 1, None, reading)
    assert not fresh.is_gone("b")


def test_what_is_remembered_of_what_is_gone_is_bounded():
    fresh = Freshness()
    fresh.bury((str(number) for number in range(MAX_BURIED + 1)), 5)
    assert not fresh.is_gone("0")
    assert fresh.is_gone(str(MAX_BURIED))
