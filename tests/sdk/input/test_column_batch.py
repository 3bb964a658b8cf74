"""The rows of a batch as they were read, whatever has become of the batch, in any process."""

import copy
import datetime
import pickle

import numpy as np
import pyarrow as pa
import pytest
import torch

from batchprocess.data.rows.arrow_rows import ArrowRows
from batchprocess.sdk.device.tensor_trees import with_items
from batchprocess.sdk.input import column_batch
from batchprocess.sdk.input.batch_tensors import replaced, tensors_in
from batchprocess.sdk.input.column_batch import ColumnBatch
from batchprocess.sdk.input.columns import columns
from batchprocess.sdk.input.queues.batch_messages import Packed, pack, unpack

STRUCT = pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))])
COLUMNS = {
    "int": pa.array([1, 2, 3], pa.int16()),
    "bool": pa.array([True, False, True]),
    "null": pa.array([1, None, 3], pa.uint64()),
    "small": pa.array([0.1, None, float("nan")], pa.float32()),
    "half": pa.array(np.array([0.5, 1, 2], np.float16)),
    "text": pa.array(["a", None, "ü"], pa.large_string()),
    "bytes": pa.array([b"", b"\0", None]),
    "fixed": pa.array([[[1, 2]], [[3, 4]], [[5, 6]]], pa.list_(pa.list_(pa.int32(), 2), 1)),
    "list": pa.array([[1.5, 2.5]] * 3, pa.list_(pa.float32())),
    "large": pa.array([[1]] * 3, pa.large_list(pa.field("element", pa.int8()))),
    "ragged": pa.array([[1], [], None], pa.list_(pa.int8())),
    "struct": pa.array([{"a": 1, "b": ["x"]}, None, {"a": None, "b": []}], STRUCT),
    "time": pa.array([0, 1, None], pa.timestamp("ns", "UTC")),
    "decimal": pa.array([1, 2, None], pa.decimal128(9, 2)),
    "dictionary": pa.array(["x", "y", "x"]).dictionary_encode(),
    "none": pa.nulls(3),
}
SMALL = {name: COLUMNS[name] for name in ("int", "text", "ragged")}


def table(rows: int = 1) -> pa.Table:
    """In the middle of a larger one, as a row group is cut."""
    whole = pa.table(COLUMNS)
    return pa.concat_tables([whole, whole, whole]).combine_chunks().slice(3, 3)


@pytest.fixture
def from_worker(monkeypatch: pytest.MonkeyPatch):
    """A batch as it comes from a loader process."""

    def send(batch: ColumnBatch) -> ColumnBatch:
        with monkeypatch.context() as patch:
            patch.setattr(column_batch, "get_worker_info", lambda: "a worker")
            message = pack(batch)
        assert type(message) is Packed
        arrived = unpack(message)
        assert isinstance(arrived, ColumnBatch)
        return arrived

    return send


def same(batch: ColumnBatch) -> bool:
    """Whether its columns are what was read."""
    found = pa.table(batch.columns)
    return found.schema == table().schema and all(
        str(one) == str(other) for one, other in zip(found.columns, table().columns, strict=True)
    )


def test_rows_of_parquet_are_arrow_as_they_were() -> None:
    batch = columns(ArrowRows(table()))
    assert same(batch)
    assert isinstance(batch, dict)
    assert batch["int"].tolist() == [1, 2, 3]
    assert batch["text"] == ["a", None, "ü"]


def test_they_come_whole_and_in_order_from_a_loader_process(from_worker) -> None:
    batch = from_worker(columns(ArrowRows(table())))
    assert same(batch)
    assert [*batch] == [*batch.columns] == [*COLUMNS]
    expected = columns(ArrowRows(table()))
    assert str({**batch}) == str({**expected})


def test_a_message_has_none_of_the_row_group_around_it(from_worker, monkeypatch) -> None:
    whole = pa.table({"x": [["text" * 100]] * 10_000})
    monkeypatch.setattr(column_batch, "get_worker_info", lambda: "a worker")
    assert len(pack(columns(ArrowRows(whole.slice(50, 2)))).body) < 10_000


@pytest.mark.parametrize("arrived", [False, True])
def test_what_becomes_of_the_batch_does_not_show_in_its_columns(from_worker, arrived) -> None:
    batch = columns(ArrowRows(table()))
    batch = from_worker(batch) if arrived else batch
    batch["int"].fill_(9)
    batch["list"].numpy()[:] = 9
    batch["text"].append("x")
    batch["ragged"][0].append(9)
    del batch["fixed"]
    assert same(batch)


def test_a_copy_on_a_device_has_them_too_and_a_pickle_of_user_code(from_worker) -> None:
    batch = from_worker(columns(ArrowRows(table())))
    moved = with_items(batch, lambda one: one * 1 if isinstance(one, torch.Tensor) else one)
    assert same(moved)
    batch["int"].fill_(9)
    for other in (copy.copy(batch), pickle.loads(pickle.dumps(batch))):
        assert same(other)
        assert other["int"].tolist() == [9, 9, 9]


def test_the_prefetch_finds_its_tensors_and_puts_others_there() -> None:
    batch = columns([{"x": 1, "t": "a"}, {"x": 2, "t": "b"}])
    (found,) = tensors_in(batch)
    other = replaced(batch, {id(found): torch.tensor([3, 4])})
    assert other["x"].tolist() == [3, 4]
    assert other.columns == {"x": [1, 2], "t": ["a", "b"]}


def large(from_worker, *, watched: bool) -> ColumnBatch:
    """With a tensor that is not copied for nobody."""
    made = torch.arange(100_000, dtype=torch.float32)
    made = made if watched else torch.from_numpy(made.numpy())
    kinds = column_batch._packed((("x", pa.float32()),))
    return column_batch._arrived({"x": made}, kinds, b"")


def test_a_large_tensor_that_was_written_to_is_refused_by_name(from_worker) -> None:
    batch = large(from_worker, watched=True)
    assert batch.columns["x"].to_pylist()[:3] == [0, 1, 2]
    for change in (torch.Tensor.zero_, torch.Tensor.numpy):
        batch = large(from_worker, watched=True)
        change(batch["x"])
        with pytest.raises(ValueError, match=r"batch.columns\['x'\]: the tensor batch\['x'\] was"):
            _ = batch.columns


def test_one_that_cannot_be_watched_is_copied(from_worker) -> None:
    batch = large(from_worker, watched=False)
    batch["x"].zero_()
    assert batch.columns["x"].to_pylist()[:3] == [0, 1, 2]


def test_other_memory_of_a_large_tensor_is_watched_in_its_place(from_worker) -> None:
    batch = large(from_worker, watched=True)
    pinned = batch["x"].clone()
    there = batch.with_items({"x": pinned})
    batch["x"].zero_()
    assert there.columns["x"].to_pylist()[:3] == [0, 1, 2]


ROWS = [
    {"n": 1, "f": 0.1, "b": True, "t": "a", "m": None, "l": [1], "d": datetime.date(2026, 1, 1)},
    {"n": 2, "f": 0.2, "b": False, "t": "b", "m": 2**70, "l": [], "d": None, "late": 1},
]


@pytest.mark.parametrize("arrived", [False, True])
def test_of_other_readers_they_are_what_the_rows_hold(from_worker, arrived) -> None:
    batch = columns(ROWS)
    batch = from_worker(batch) if arrived else batch
    assert batch["n"].tolist() == [1, 2]
    batch["n"].zero_()
    batch["t"].clear()
    assert batch.columns == {name: [row.get(name) for row in ROWS] for name in [*ROWS[0], "late"]}
    assert all(type(one) is int for one in batch.columns["n"])


@pytest.mark.parametrize("arrived", [False, True])
def test_what_decode_has_made_is_not_held_twice(from_worker, arrived) -> None:
    batch = columns([{"key": "a", "data": np.ones(3)}, {"key": "b", "data": np.ones(3)}])
    batch = from_worker(batch) if arrived else batch
    assert batch["data"].shape == (2, 3)
    assert batch.columns == {"key": ["a", "b"]}


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2**62], pa.timestamp("us")),
        pa.array([2**30, 1], pa.date32()),
        pa.StructArray.from_arrays([pa.array([1, 2])] * 2, ["x", "x"]),
    ],
)
def test_a_value_that_python_has_not_is_named_by_its_column(column: pa.Array) -> None:
    rows = ArrowRows(pa.table({"id": [1, 2], "when": column}))
    with pytest.raises(ValueError, match="column 'when', of type .* leave it out by columns="):
        columns(rows)
