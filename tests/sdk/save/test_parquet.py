"""Parquet files of `context.save`."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from support.saved_files import IDS, save_twice


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_parquet(tmp_path: Path, ids) -> None:
    columns = {
        "embedding": torch.arange(8.0).reshape(4, 2),
        "map": torch.arange(24).reshape(4, 2, 3),
        "label": np.array([1, 2, 3, 4], dtype=np.uint8),
        "half": torch.ones(4, dtype=torch.bfloat16),
        "text": ["x", "", "z", "ü"],
        "ragged": [[1], [1, 2], [], [3]],
    }
    files = save_twice(tmp_path, "sub/rows.parquet", columns, ids)
    table = pq.read_table(files["sub/rows.parquet"])
    assert table.column_names == ["id", *columns]
    assert table["id"].to_pylist() == ids
    assert table["embedding"].to_pylist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]
    assert table["map"].to_pylist() == columns["map"].tolist()
    assert str(table.schema.field("label").type) == "uint8"
    assert str(table.schema.field("half").type) == "float"
    assert table["text"].to_pylist() == columns["text"]
    assert table["ragged"].to_pylist() == columns["ragged"]


@pytest.mark.parametrize(
    "values",
    [
        [None, None, "a", "b"],
        ["a", "b", None, None],
        [1, 2, 0.5, 1.5],
        [0.5, 1.5, 1, 2],
        [[], [], ["a"], None],
        [{"a": 1}, None, {"a": 0.5}, {"a": 2}],
    ],
)
def test_parquet_has_a_type_for_all_values_of_a_list(tmp_path: Path, values) -> None:
    file = save_twice(tmp_path, "rows.parquet", {"x": values}, [1, 2, 3, 4])["rows.parquet"]
    assert pq.read_table(file)["x"].to_pylist() == values


def test_parquet_keeps_the_type_of_its_first_row_group(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("batchprocess.sdk.save.parquet._GROUP_BYTES", 0)
    values = [0.5, 1.5, None, 2]
    file = save_twice(tmp_path, "rows.parquet", {"x": values}, [1, 2, 3, 4])["rows.parquet"]
    assert pq.read_table(file)["x"].to_pylist() == values
