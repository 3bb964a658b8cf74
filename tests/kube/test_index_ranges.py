"""Sets of shards as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.kube.index_ranges import LIMIT, format_ranges, parse_ranges


@given(st.frozensets(st.integers(0, LIMIT - 1)))
def test_reading_what_was_written_gives_the_same_set(numbers: frozenset[int]) -> None:
    assert parse_ranges(format_ranges(numbers)) == numbers


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((), ""), ((3,), "3"), ((0, 1), "0,1"), ((0, 1, 2), "0-2"), ((7, 0, 2, 3, 4), "0,2-4,7")],
)
def test_text_is_as_kubernetes_writes_completed_indexes(numbers, text) -> None:
    assert format_ranges(numbers) == text


def test_a_missing_text_is_the_empty_set() -> None:
    assert parse_ranges(None) == parse_ranges("") == frozenset()


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text",
    [
        *("0-99999999999999", "10000", "a", "1-", "1-b", "0-9999,0-9999", "7-0," * 10_001),
        *("-1", "7-0", "1,", ",", " 1", "1_0", "\u00b2", "\u0663", "9" * 99, "0-99999999"),
    ],
)
def test_what_no_operator_wrote_is_refused_and_never_expanded(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_ranges(text)
