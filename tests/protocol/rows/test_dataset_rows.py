"""Positions of a run and rows of the dataset are told apart, and found from one another."""

from array import array

import pytest

from batchprocess.protocol.rows.dataset_rows import ALL_ROWS, DatasetRows, said

LISTED = DatasetRows(array("q", [3, 17, 18, 4_000_000_000]))


def test_of_the_whole_dataset_a_position_is_its_row() -> None:
    assert list(ALL_ROWS.at((4, 7))) == [4, 5, 6]
    assert ALL_ROWS.position_of(9) == 9
    assert ALL_ROWS.left_out_at((4, 7)) == []


def test_a_list_says_which_row_stands_where() -> None:
    assert list(LISTED.at((1, 3))) == [17, 18]
    assert list(LISTED.at((2, 2))) == []
    assert [LISTED.position_of(row) for row in (3, 17, 18, 4_000_000_000)] == [0, 1, 2, 3]
    assert [LISTED.position_of(row) for row in (0, 4, 19, 5_000_000_000)] == [None] * 4


@pytest.mark.parametrize("listed", [None, array("q", range(10))])
def test_rows_that_are_left_out_keep_their_positions(listed: "array[int] | None") -> None:
    rows = DatasetRows(listed, frozenset({4, 6}))
    assert list(rows.at((3, 7))) == [3, 5]
    assert list(rows.at((0, 3))) == [0, 1, 2]
    assert rows.left_out_at((3, 7)) == [4, 6]
    assert list(rows.all_at((3, 7))) == [3, 4, 5, 6]
    assert rows.position_of(6) == 6


def test_rows_are_told_in_few_words() -> None:
    assert said([]) == "no row"
    assert said([7]) == "row 7"
    assert said(range(4, 9)) == "rows 4 to 8"
    assert said([4, 6]) == "rows 4, 6"
    assert said(range(0, 60, 5)).endswith("40, 45 and 2 more, up to 55")
