"""What a dataset says of its rows, and what of that is taken for an answer."""

from collections.abc import Sequence
from typing import Any

import pytest

from batchprocess.sdk.setup.row_names import RowNames


class Named:
    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def row_ids(self, rows: Sequence[int]) -> list[str]:
        self.asked.append(list(rows))
        if 7 in rows:
            raise ValueError("its id is in what cannot be read")
        if 8 in rows:
            raise TimeoutError
        return [f"n{row}" for row in rows]

    def file_of(self, row: int) -> str:
        return f"file-{row // 4}"


def test_a_dataset_is_asked_once_for_what_is_not_known() -> None:
    named = Named()
    names = RowNames(named)
    assert names.row_ids is not None
    assert names.row_ids([1, 2]) == ["n1", "n2"]
    names.know((4, 5), ("a", "b"))
    assert names.row_ids([5]) == ["b"]
    assert (names.id_of(4), names.file_of(5)) == ("a", "file-1")
    assert names.id_of(1) == "n1"
    assert named.asked == [[1, 2], [1]]


def test_an_id_that_cannot_be_read_is_none_and_trouble_is_trouble() -> None:
    names = RowNames(Named())
    assert names.id_of(7) is None
    with pytest.raises(TimeoutError):
        names.id_of(8)


class Other:
    """Has things of the same names."""

    row_ids = (1, 2, 3)

    def file_of(self) -> str:
        return "a"


@pytest.mark.parametrize("dataset", [[1, 2], Other()])
def test_of_others_nothing_is_known(dataset: Any) -> None:
    names = RowNames(dataset)
    assert names.row_ids is names.id_of(0) is names.file_of(0) is None
