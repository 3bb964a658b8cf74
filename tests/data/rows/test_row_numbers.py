"""Numbers as a loader asks for them, and runs of such."""

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.data.rows.row_numbers import row_numbers, runs


@given(st.lists(st.integers(0, 9)))
def test_runs_are_the_numbers_in_their_order_and_none_could_be_longer(numbers: list[int]) -> None:
    found = list(runs(numbers))
    assert list(chain.from_iterable(range(*run) for run in found)) == numbers
    assert all(end != first for (_, end), (first, _) in pairwise(found))


@given(st.lists(st.integers(-10, 9)))
def test_numbers_below_zero_count_from_the_end(numbers: list[int]) -> None:
    assert row_numbers(numbers, 10) == [number % 10 for number in numbers]


@pytest.mark.parametrize("row", [3, -4])
def test_a_row_that_is_not_there_is_named(row: int) -> None:
    with pytest.raises(IndexError, match=f"row {row} of 3"):
        row_numbers([0, row], 3)
