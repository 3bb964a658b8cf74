"""Numbers, times and text, whatever they are."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess_operator.page.views import words
from support.operator.objects import NOW

ANY_NUMBER = st.one_of(st.floats(), st.integers(-(10**400), 10**400))


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0"), (1_234, "1,234"), (1e12, "1e+12"), (float("nan"), "?"), (10**400, "?"), ("9", "?")],
)
def test_a_count_is_read_by_people(number: object, said: str):
    assert words.count(number) == said


@given(ANY_NUMBER)
def test_whatever_a_number_is_it_is_short(number: float):
    assert len(words.count(number)) < 20


@given(st.floats(), st.floats())
def test_a_share_is_one_and_only_what_is_done_is_all(done: float, total: float):
    share = words.percent(done, total)
    assert 0 <= share <= 100
    assert share < 100 or done >= total


@pytest.mark.parametrize(
    ("done", "total", "share"), [(0, 0, 0), (1, 3, 33), (999_999, 1_000_000, 99), (5, 5, 100)]
)
def test_nearly_all_is_not_all(done: float, total: float, share: int):
    assert words.percent(done, total) == share


@pytest.mark.parametrize(("number", "said"), [(0, ""), (float("inf"), ""), (1_234, "1.23k/s")])
def test_a_rate_of_nothing_is_not_told(number: float, said: str):
    assert words.rate(number) == said


@given(st.one_of(st.none(), st.floats()))
def test_a_duration_is_short_or_not_told(seconds: float | None):
    assert len(words.duration(seconds)) < 20


def test_a_moment_is_told_by_its_distance_and_in_full():
    at = words.moment(NOW.timestamp() - 65, NOW)
    assert at is not None
    assert (at.ago, at.exact) == ("1m5s", "2030-01-01 11:58:55 UTC")


@pytest.mark.parametrize("time", [None, float("nan"), 1e300, -1e300, datetime(2030, 1, 1)])  # noqa: DTZ001
def test_a_moment_that_is_none_is_not_told(time: float | datetime | None):
    assert words.moment(time, datetime(2030, 1, 1, tzinfo=UTC)) is None


def test_foreign_text_is_plain_and_cut_where_one_sees_it():
    assert words.text("a\x1b[31m\nb\u202e") == "a [31m b "
    assert words.text("x" * 5_000, 10) == "x" * 9 + "…"
    assert words.text("x" * 10, 10) == "x" * 10
