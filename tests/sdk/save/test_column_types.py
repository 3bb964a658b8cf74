"""Which rows a file can hold is checked in the call, by one sentence each."""

from pathlib import Path

import pytest
import torch

from batchprocess.sdk.save.saver import Saver


@pytest.mark.parametrize(
    ("name", "columns", "ids", "kind", "match"),
    [
        ("rows.csv", {"a": torch.ones(1)}, [0], ValueError, "'rows.csv' must end in one of"),
        ("../rows.npy", {"a": torch.ones(1)}, [0], ValueError, "file name"),
        ("rows.npy", {}, [], ValueError, "0 columns"),
        ("rows.npy", {"a": torch.ones(1), "b": torch.ones(1)}, [0], ValueError, "2 columns"),
        ("rows.npy", {"a": ["x"]}, [0], TypeError, "must be a tensor or an array of numbers"),
        ("rows.jsonl", {"a": torch.tensor(1.0)}, [0], ValueError, "is a single value: the first"),
        ("rows.safetensors", {"__metadata__": torch.ones(1)}, [0], ValueError, "rename it"),
        ("rows.jsonl", {"\ud800": torch.ones(1)}, [0], ValueError, "surrogates"),
        ("rows.jsonl", {1: torch.ones(1)}, [0], TypeError, "must have a text as its name"),
        ("rows.jsonl", {"a": [1]}, [2**64], ValueError, "give texts, by str"),
        ("rows.jsonl", {"a": [1, 2]}, [-1, 2**63], ValueError, "give texts, by str"),
        ("rows.npy", {"a": torch.ones(1)}, ["x\0"], ValueError, "ends in"),
        ("rows.jsonl", {"a": [1]}, ["\ud800"], ValueError, "surrogates"),
        ("rows.jsonl", {"a": torch.ones(2)}, [0], ValueError, "has 2 rows, but there are 1 ids"),
        ("rows.jsonl", {"a": [torch.ones(1)] * 3}, [0], ValueError, r"torch.stack\(column, 1\)"),
        ("rows.jsonl", {"a": [10**5000]}, [0], ValueError, "column 'a' has int with an integer of"),
        ("rows.parquet", {"a": ["x", 10**5000]}, [0, 1], TypeError, "column 'a' has int with an"),
        ("rows.jsonl", {"id": torch.ones(1)}, [0], ValueError, "give them as ids="),
        ("rows.jsonl", {"a": {1, 2}}, [0, 1], TypeError, "column 'a' is a set"),
        ("rows.jsonl", {"a": torch.ones(1) * 1j}, [0], TypeError, "is complex64; use one of"),
        ("rows.jsonl", {"a": torch.eye(2).to_sparse()}, [0, 1], TypeError, "use its .to_dense()"),
        ("rows.jsonl", {"a": [1]}, torch.ones(1), TypeError, "one integer or text a row"),
        ("rows.jsonl", {"a": [1]}, torch.ones(1, 1).long(), TypeError, "one integer or text a row"),
        ("rows.jsonl", {"a": [1, 2]}, [1, "x"], TypeError, "all of one sort"),
        ("rows.jsonl", {"a": [1]}, None, TypeError, "column 'id' is a NoneType"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_the_call(
    tmp_path: Path, name, columns, ids, kind, match
) -> None:
    saver = Saver(tmp_path)
    with pytest.raises(kind, match=match):
        saver.save(name, columns, ids)
    assert saver.cut_files() is None or not saver.cut_files()


def test_a_nested_tensor_is_refused_with_what_to_do(tmp_path: Path) -> None:
    # Made here: the first one takes a second and a half.
    nested = torch.nested.nested_tensor([torch.ones(1)], layout=torch.jagged)
    saver = Saver(tmp_path)
    with pytest.raises(TypeError, match=r"use its .unbind\(\)"):
        saver.save("rows.jsonl", {"a": nested}, [0])
    assert saver.cut_files() is None or not saver.cut_files()


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("batchprocess.sdk.save.column_types._has_pyarrow", lambda: False)
    with pytest.raises(
        ModuleNotFoundError, match="'rows.parquet' needs pyarrow: pip install pyarrow$"
    ):
        Saver(tmp_path).save("rows.parquet", {"a": torch.ones(1)}, [0])
