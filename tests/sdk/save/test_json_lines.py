"""JSON lines files of `context.save`."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from support.saved_files import IDS, save_twice


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_json_lines(tmp_path: Path, ids) -> None:
    columns = {
        "score": torch.tensor([0.5, float("nan"), float("inf"), 1.0]),
        "text": ["x\n", "y", "ü", None],
        "pair": torch.arange(8).reshape(4, 2),
        "list": [[1.0, float("nan")], [], [2], (3,)],
        "dict": [{"a": float("nan")}, {"a": [np.float32(0.5)]}, {}, {"a": {"b": np.arange(2)}}],
    }
    text = save_twice(tmp_path, "rows.jsonl", columns, ids)["rows.jsonl"].read_text()
    rows = [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
    assert [row["id"] for row in rows] == ids
    assert [row["score"] for row in rows] == [0.5, None, None, 1.0]
    assert [row["text"] for row in rows] == columns["text"]
    assert [row["pair"] for row in rows] == columns["pair"].tolist()
    assert [row["list"] for row in rows] == [[1.0, None], [], [2], [3]]
    assert [row["dict"] for row in rows] == [{"a": None}, {"a": [0.5]}, {}, {"a": {"b": [0, 1]}}]
