"""Numpy files of `context.save`."""

from pathlib import Path

import numpy as np
import pytest
import torch

from batchprocess.sdk.save.saver import Saver
from support.saved_files import IDS, save_twice


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 2, 3)])
def test_npy(tmp_path: Path, ids, shape) -> None:
    values = torch.arange(int(np.prod(shape))).reshape(shape).to(torch.float16)
    files = save_twice(tmp_path, "rows.npy", {"rows": values}, ids)
    assert np.array_equal(np.load(files["rows.npy"]), values.numpy())
    assert np.load(files["rows.ids.npy"]).tolist() == ids


@pytest.mark.parametrize("row", [(), (3,), (0,), (1,) * 40], ids=str)
@pytest.mark.parametrize("rows", [1, 9, 99_999])
def test_an_npy_file_that_grew_is_the_one_that_numpy_saves_at_once(
    tmp_path: Path, row, rows
) -> None:
    values = np.arange(rows * int(np.prod(row)), dtype=np.int16).reshape(rows, *row)
    saver = Saver(tmp_path / "ours")
    saver.save("rows.npy", {"rows": values[:1]}, range(1))
    saver.save("rows.npy", {"rows": values[1:]}, range(1, rows))
    files = saver.cut_files().files.result()
    np.save(tmp_path / "rows.npy", values)
    np.save(tmp_path / "ids.npy", np.arange(rows))
    assert files["rows.npy"].read_bytes() == (tmp_path / "rows.npy").read_bytes()
    assert files["rows.ids.npy"].read_bytes() == (tmp_path / "ids.npy").read_bytes()
    assert np.array_equal(np.load(files["rows.npy"]), values)
    saver.close()
