"""Safetensors files of `context.save`."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

from support.saved_files import IDS, save_twice


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_safetensors(tmp_path: Path, ids) -> None:
    columns = {
        "embedding": torch.arange(8.0).reshape(4, 2).to(torch.bfloat16),
        "flag": torch.tensor([True, False, True, True]),
        "small": np.arange(4, dtype=np.uint16),
    }
    file = save_twice(tmp_path, "rows.safetensors", columns, ids)["rows.safetensors"]
    found = safetensors.torch.load_file(file)
    for name, values in columns.items():
        assert torch.equal(found[name], torch.as_tensor(values)), name
    if isinstance(ids[0], int):
        assert found["id"].tolist() == ids
    else:
        with safetensors.safe_open(file, "pt") as opened:
            assert json.loads(opened.metadata()["id"]) == ids


def test_a_header_that_no_reader_takes_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("batchprocess.sdk.save.formats.safetensors._MAX_HEADER_BYTES", 200)
    save_twice(tmp_path / "1", "few.safetensors", {"x": torch.ones(4)}, ["a", "b", "c", "d"])
    with pytest.raises(ValueError, match="'many.safetensors' .* give integers as ids"):
        save_twice(tmp_path / "2", "many.safetensors", {"x": torch.ones(4)}, ["a" * 100] * 4)
