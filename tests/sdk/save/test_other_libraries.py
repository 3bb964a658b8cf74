"""Columns of pandas and Arrow, and masked arrays: every value in the file, or a sentence."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch

from support.contexts import context, made_pending

FORMATS = ["parquet", "jsonl", "npy", "safetensors"]


@pytest.fixture
def pd() -> Any:
    """The library, where it is installed: it is none of ours."""
    return pytest.importorskip("pandas")


def saved(folder: Path, suffix: str, *batches: Any, ids: Any = None) -> list[Any]:
    """What a file holds of column `x` after these batches, given through the context."""
    pending = made_pending(folder)
    made = context(folder, pending)
    for batch in batches:
        rows = {"x": batch}
        made.save(
            f"rows.{suffix}" if suffix != "npy" else "x.npy",
            rows,
            range(len(batch)) if ids is None else ids,
        )
    ((_, path),) = [
        one for one in pending.saver.cut_files().files.result().items() if ".ids" not in one[0]
    ]
    match suffix:
        case "parquet":
            return pq.read_table(path)["x"].to_pylist()
        case "jsonl":
            return [json.loads(line)["x"] for line in path.read_text().splitlines()]
        case "npy":
            return np.load(path).tolist()
    return safetensors.torch.load_file(path)["x"].tolist()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("made", "values"),
    [
        (lambda pd: pd.Series([1, 2], dtype="int16"), [1, 2]),
        (lambda pd: pd.Series([1, 2], dtype="Int64"), [1, 2]),
        (lambda pd: pd.Series([0.5, float("inf")]).iloc[:1], [0.5]),
        (lambda pd: pd.Index([3, 4]), [3, 4]),
        (lambda pd: pd.Series(pd.arrays.SparseArray([0, 3])), [0, 3]),
        (lambda pd: pd.Series([True, False]), [True, False]),
        (lambda pd: pa.array([1, 2], pa.uint8()), [1, 2]),
        (lambda pd: pa.chunked_array([[1], [2]]), [1, 2]),
        (lambda pd: pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)), [[1, 2], [3, 4]]),
        (lambda pd: np.ma.array([1, 2], mask=[False, False]), [1, 2]),
        (lambda pd: np.arange(3)[::-1], [2, 1, 0]),
        (lambda pd: np.zeros((2, 0)), [[], []]),
        (lambda pd: torch.zeros(2, 0, 3), [[], []]),
    ],
)
def test_numbers_are_taken_by_every_format(tmp_path: Path, pd, suffix, made, values) -> None:
    assert saved(tmp_path, suffix, made(pd), made(pd)) == values * 2


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
@pytest.mark.parametrize(
    ("made", "values"),
    [
        (lambda pd: pd.Series(["a", None], dtype="str"), ["a", None]),
        (lambda pd: pd.Series(["a", None], dtype="object"), ["a", None]),
        (lambda pd: pd.Series([1, None], dtype="Int64"), [1, None]),
        (lambda pd: pd.Series(["x", "y"], dtype="category"), ["x", "y"]),
        (lambda pd: pd.Series([{"a": [1]}, pd.NA]), [{"a": [1]}, None]),
        (lambda pd: pa.array(["a", None]), ["a", None]),
        (lambda pd: pa.array([{"a": 1}, None]), [{"a": 1}, None]),
        (lambda pd: pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (lambda pd: np.ma.array([1, 2], mask=[False, True]), [1, None]),
        (lambda pd: np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]), [[1, None], [3, 4]]),
        (lambda pd: np.array(["a", "ü"]), ["a", "ü"]),
        (lambda pd: np.array([None, 1], object), [None, 1]),
    ],
)
def test_what_is_missing_is_null(tmp_path: Path, pd, suffix, made, values) -> None:
    assert saved(tmp_path, suffix, made(pd), made(pd)) == values * 2


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_times_of_pandas_keep_unit_and_zone(tmp_path: Path, pd, unit, zone) -> None:
    times = pd.Series(np.array([1, 2], f"M8[{unit}]"))
    times = times if zone is None else times.dt.tz_localize("UTC").dt.tz_convert(zone)
    pending = made_pending(tmp_path)
    context(tmp_path, pending).save("rows.parquet", {"x": times}, ids=[0, 1])
    file = pending.saver.cut_files().files.result()["rows.parquet"]
    found = pq.read_table(file)["x"]
    assert found.to_pandas().tolist() == times.tolist()
    assert (found.type.unit, found.type.tz) == ("ms" if unit == "s" else unit, zone)


@pytest.mark.parametrize("kind", ["M8[ns]", "m8[ns]"])
def test_nanoseconds_of_numpy_are_kept(tmp_path: Path, kind) -> None:
    pending = made_pending(tmp_path)
    context(tmp_path, pending).save("rows.parquet", {"x": np.array([1, -1], kind)}, ids=[0, 1])
    found = pq.read_table(pending.saver.cut_files().files.result()["rows.parquet"])["x"]
    assert found.cast(pa.int64()).to_pylist() == [1, -1]
    assert found.type.unit == "ns"


def test_a_timestamp_in_a_list_keeps_its_nanoseconds(tmp_path: Path, pd) -> None:
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending)
    made.save("rows.parquet", {"x": [pd.Timestamp(1), pd.NaT]}, ids=[0, 1])
    with pytest.raises(ValueError, match="nanoseconds and a time zone"):
        made.save("rows.parquet", {"x": [pd.Timestamp(1, tz="UTC")]}, ids=[2])
    found = pq.read_table(pending.saver.cut_files().files.result()["rows.parquet"])["x"]
    assert found.cast(pa.int64()).to_pylist() == [1, None]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_table_is_its_columns(tmp_path: Path, pd, suffix) -> None:
    for number, rows in enumerate([pd.DataFrame({"x": [1, 2]}), pa.table({"x": [1, 2]})]):
        folder = tmp_path / str(number)
        folder.mkdir()
        pending = made_pending(folder)
        context(folder, pending).save(f"x.{suffix}", rows, ids=[0, 1])
        assert pending.saver.cut_files().files.result()[f"x.{suffix}"].stat().st_size


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    "made",
    [
        lambda pd: pd.DataFrame([[1, 2]], columns=["x", "x"]),
        lambda pd: pa.table([pa.array([1]), pa.array([2])], names=["x", "x"]),
        lambda pd: pa.record_batch([pa.array([1]), pa.array([2])], names=["x", "x"]),
    ],
)
def test_of_two_columns_with_one_name_none_is_lost(tmp_path: Path, pd, suffix, made) -> None:
    with pytest.raises(ValueError, match=rf"'x\.{suffix}': 2 columns are called 'x': rename"):
        context(tmp_path).save(f"x.{suffix}", made(pd), ids=[0])


@pytest.mark.parametrize(
    "made",
    [
        lambda pd: pd.Series([5, 6]),
        lambda pd: pd.Index(["a", "b"]),
        lambda pd: pa.array([5, 6]),
        lambda pd: pa.array(["a", "b"]),
    ],
)
def test_ids_may_be_of_another_library(tmp_path: Path, pd, made) -> None:
    pending = made_pending(tmp_path)
    context(tmp_path, pending).save("rows.parquet", {"x": [1, 2]}, ids=made(pd))
    found = pq.read_table(pending.saver.cut_files().files.result()["rows.parquet"])
    assert found["id"].to_pylist() == list(made(pd).tolist())


def test_what_is_changed_after_the_call_is_not_in_the_file(tmp_path: Path, pd) -> None:
    pending, numbers = made_pending(tmp_path), np.arange(4)
    made = context(tmp_path, pending)
    made.save(
        "rows.parquet", {"a": pa.array(numbers), "b": pd.Series(numbers, copy=False)}, ids=range(4)
    )
    numbers[:] = 9
    found = pq.read_table(pending.saver.cut_files().files.result()["rows.parquet"])
    assert found["a"].to_pylist() == found["b"].to_pylist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("suffix", "column", "words"),
    [
        ("npy", np.ma.array([1, 2], mask=[False, True]), "masked values: use .filled"),
        ("safetensors", pa.array([None]), "must be a tensor or an array of numbers"),
        ("npy", pa.array(["a"]), "must be a tensor or an array of numbers|is object"),
        ("parquet", pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "Arrow's type month_day"),
        ("parquet", pa.array([[]], pa.list_(pa.int64(), 0)), "cannot be read again; cast it"),
        ("parquet", pa.array([{"a": []}], pa.struct({"a": pa.list_(pa.int8(), 0)})), "read again"),
        ("jsonl", np.array([1], "M8[ns]"), "isoformat"),
        ("jsonl", pa.array([10**18], pa.timestamp("s")), "timestamp.s., and Python has no such"),
        ("npy", pa.array([10**18], pa.timestamp("s")), "'x' is of Arrow's type timestamp"),
        ("parquet", np.zeros(1, [("a", int)]), "named fields"),
        ("parquet", object(), "is a object; use a tensor, an array of numpy or Arrow, a Series"),
    ],
)
def test_what_cannot_be_kept_says_what_to_do(tmp_path: Path, suffix, column, words) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        context(tmp_path).save(f"x.{suffix}", {"x": column}, ids=[0])


def test_the_index_of_a_frame_is_told_not_to_be_kept_if_it_says_something(
    tmp_path: Path, pd, caplog: pytest.LogCaptureFixture
) -> None:
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending)
    frame = pd.DataFrame({"x": [1, 2, 3]})
    made.save("rows.jsonl", frame[frame.x > 1], ids=range(2))
    assert not caplog.records
    for index in (["a", "b", "c"], pd.Index([1, 2, 3], name="key")):
        made.save("rows.jsonl", frame.set_axis(index), ids=range(3))
        assert ".reset_index() makes columns of it" in caplog.records.pop().getMessage()
    pending.saver.cut_files().files.result()


@pytest.mark.slow
def test_neither_library_is_imported_for_others_columns(tmp_path: Path) -> None:
    program = """
import sys, torch
from pathlib import Path
from batchprocess.sdk.save.saver import Saver
from batchprocess.sdk.save.column_types import columns_of
saver = Saver(Path(sys.argv[1]))
saver.save("x.jsonl", columns_of("x.jsonl", {"x": [1], "y": torch.ones(1)}), [0])
saver.cut_files().files.result()
assert not {"pandas", "pyarrow"} & sys.modules.keys()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


class FakeSeries:
    """As one of polars: it can say itself as Arrow."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def __len__(self) -> int:
        return len(self._made)

    def to_arrow(self) -> Any:
        return self._made


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_can_say_itself_as_arrow_is_taken(tmp_path: Path, suffix) -> None:
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending)
    made.save(f"x.{suffix}", FakeSeries(pa.table({"x": [1, 2]})), FakeSeries(pa.array(["a", "b"])))
    made.save(f"x.{suffix}", FakeSeries(pa.array([3, 4])), FakeSeries(pa.array(["c", "d"])))
    assert pending.saver.cut_files().files.result()[f"x.{suffix}"].stat().st_size
