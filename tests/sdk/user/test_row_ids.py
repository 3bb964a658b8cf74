"""What rows are saved under where user code does not say."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchprocess.sdk.user.row_ids import ids_of
from support.contexts import context, made_pending


def named(rows: Sequence[int]) -> list[Any]:
    return [f"a.txt:{row}" for row in rows]


def saved(folder: Path, name: str, rows: Any, row_ids: Any, **given: Any) -> dict[str, Path]:
    """Of a batch of rows 4 and 5."""
    pending = made_pending(folder)
    made = context(folder, pending, row_ids)
    pending.rows = range(4, 6)
    made.save(name, rows, **given)
    pending.rows = None
    return pending.cut_commit((0, 1), (4, 6)).paths()


def lines(folder: Path, row_ids: Any, **given: Any) -> list[Any]:
    (path,) = saved(folder, "x.jsonl", [0, 1], row_ids, **given).values()
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_ids_of_the_dataset_that_are_texts_have_the_rows_numbers_beside_them(
    tmp_path: Path,
) -> None:
    assert lines(tmp_path, named) == [
        {"id": "a.txt:4", "row": 4, "x": 0},
        {"id": "a.txt:5", "row": 5, "x": 1},
    ]


def test_ids_that_are_numbers_and_given_ones_have_nothing_beside_them(tmp_path: Path) -> None:
    assert lines(tmp_path, lambda rows: [row * 10 for row in rows])[0] == {"id": 40, "x": 0}
    assert lines(tmp_path, named, ids=["p", "q"])[0] == {"id": "p", "x": 0}
    assert lines(tmp_path, None)[0] == {"id": 4, "x": 0}


def test_a_column_of_that_name_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"column 'row' is the dataset's row number .* rename it"):
        saved(tmp_path, "x.jsonl", {"row": [7, 8]}, named)


def test_a_file_of_one_array_has_the_ids_alone(tmp_path: Path) -> None:
    files = saved(tmp_path, "x.npy", np.ones(2), named)
    assert np.load(files["x.ids.npy"]).tolist() == ["a.txt:4", "a.txt:5"]
    assert np.load(files["x.npy"]).tolist() == [1, 1]


def test_there_is_one_for_each_row() -> None:
    with pytest.raises(TypeError, match="gave 1 ids for 2 rows"):
        ids_of([1, 2], lambda rows: [0])
