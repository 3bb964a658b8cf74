"""What holds for every format of `context.save`."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch

from batchprocess.sdk.save.saver import Saver
from support.saved_files import FORMATS, ids_in


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("order", ["none some", "some none", "none some none", "none none"])
def test_a_batch_without_rows_says_nothing_of_the_ids_of_others(
    tmp_path: Path, suffix, order
) -> None:
    saver, given = Saver(tmp_path), {"some": ["a", "b"], "none": []}
    for ids in map(given.__getitem__, order.split()):
        columns = {"rows": torch.ones(len(ids), 2)}
        if suffix in {"parquet", "jsonl"}:
            columns["text"] = list(ids)
        saver.save(f"rows.{suffix}", columns, ids)
    path = saver.cut_files().files.result()[f"rows.{suffix}"]
    assert ids_in(path) == (["a", "b"] if "some" in order else [])


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rows", [1, 2])
def test_a_column_cut_out_of_a_tensor(tmp_path: Path, suffix, rows) -> None:
    saver, name, wide = Saver(tmp_path), f"x.{suffix}", torch.arange(4.0 * rows).reshape(rows, 4)
    saver.save(name, {"x": wide[:, 2]}, [*range(rows)])
    path = saver.cut_files().files.result()[name]
    match suffix:
        case "parquet":
            found = pq.read_table(path)["x"].to_pylist()
        case "npy":
            found = np.load(path).tolist()
        case "jsonl":
            found = [json.loads(line)["x"] for line in path.read_text().splitlines()]
        case _:
            found = safetensors.torch.load_file(path)["x"].tolist()
    assert found == wide[:, 2].tolist()


@pytest.mark.parametrize("suffix", FORMATS)
def test_integers_of_numpy_are_integers(tmp_path: Path, suffix) -> None:
    saver, name = Saver(tmp_path), f"rows.{suffix}"
    saver.save(name, {"rows": torch.ones(2, 2)}, list(np.arange(2)))
    saver.save(name, {"rows": torch.ones(2, 2)}, [2, 3])
    assert ids_in(saver.cut_files().files.result()[name]) == [0, 1, 2, 3]


@pytest.mark.parametrize("suffix", FORMATS)
def test_ids_of_64_bits_are_exact(tmp_path: Path, suffix) -> None:
    ids, name = torch.tensor([1, 2**64 - 1], dtype=torch.uint64), f"rows.{suffix}"
    saver = Saver(tmp_path)
    for one in (ids[:1], ids[1:]):
        saver.save(name, {"rows": torch.ones(1, 2)}, one)
    assert ids_in(saver.cut_files().files.result()[name]) == [1, 2**64 - 1]
