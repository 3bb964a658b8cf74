"""JSON lines files of `context.save`."""

import json
import math
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from batchprocess.sdk.save.saver import Saver
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


def test_large_integers_are_exact(tmp_path: Path) -> None:
    values = [2**64, -(2**70), 10**100, 0]
    text = save_twice(tmp_path, "rows.jsonl", {"n": values}, [0, 1, 2, 3])["rows.jsonl"].read_text()
    assert [json.loads(line)["n"] for line in text.splitlines()] == values


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1: "a"}, "key 1 is a int: use str"),
        ({"a": [{None: 1}]}, "key None is a NoneType"),
        ({True: 1}, "key True is a bool"),
        (np.datetime64(1, "ns"), "datetime64 is not JSON serializable"),
        (date(2020, 1, 1), "date is not JSON serializable"),
        (b"a", "bytes is not JSON serializable"),
        ({1}, "set is not JSON serializable"),
        ("\ud800", "surrogates not allowed"),
    ],
    ids=str,
)
def test_what_json_cannot_hold_is_refused_in_the_call(tmp_path: Path, value, words) -> None:
    saver = Saver(tmp_path)
    with pytest.raises((TypeError, ValueError), match=f"'rows.jsonl': column 'x' has .*{words}"):
        saver.save("rows.jsonl", {"x": [value]}, [0])
    assert saver.cut_files() is None


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
KEYS = st.text(max_size=2) | st.integers(0, 1)
VALUES = st.recursive(LEAVES, lambda one: st.lists(one) | st.dictionaries(KEYS, one), max_leaves=6)


def finite(value: Any) -> Any:
    """As JSON has it: without NaN and infinity."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@given(values=st.lists(VALUES, max_size=4))
@settings(deadline=None)
def test_a_file_has_exactly_what_was_taken(values: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        saver, kept = Saver(Path(folder)), []
        for value in values:
            try:
                saver.save("rows.jsonl", {"x": [value]}, [0])
            except (TypeError, ValueError) as error:
                assert "'rows.jsonl': column 'x' has " in str(error)  # noqa: PT017
                continue
            kept.append(finite(value))
        written = saver.cut_files()
        files = {} if written is None else written.files.result()
        saver.close()
        for file in files.values():
            lines = file.read_text(encoding="utf-8").split("\n")[:-1]
            found = [json.loads(line)["x"] for line in lines]
            assert repr(found) == repr(kept)
