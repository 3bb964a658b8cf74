"""`context.save`: rows come back with their ids, from every format; nothing is lost or mixed up."""

import json
import threading
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import safetensors
import safetensors.torch
import torch

from batchprocess.sdk.save.column_values import numpy_of
from batchprocess.sdk.save.saver import Saver

IDS = {"integers": [7, 8, 9, 10], "texts": ["a", "b", "ü", "d/e"]}


def save_twice(folder: Path, name: str, columns, ids) -> dict[str, Path]:
    """Two batches of two rows under one name, as one interval."""
    saver = Saver(folder)
    for rows in (slice(0, 2), slice(2, 4)):
        saver.save(name, {key: values[rows] for key, values in columns.items()}, ids[rows])
    saved = saver.cut_files()
    files = saved.files.result()
    assert saved.names == files.keys()
    saver.close()
    return files


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


FORMATS = ["parquet", "safetensors", "npy", "jsonl"]


def ids_in(path: Path) -> list[object]:
    """The ids that a file of `rows` holds."""
    match path.suffix:
        case ".parquet":
            return pq.read_table(path)["id"].to_pylist()
        case ".npy":
            return np.load(path.with_suffix(".ids.npy")).tolist()
        case ".jsonl":
            return [json.loads(line)["id"] for line in path.read_text().splitlines()]
    with safetensors.safe_open(path, "pt") as opened:
        assert opened.get_tensor("rows").shape[1:] == (2,)
        texts = (opened.metadata() or {}).get("id")
        return opened.get_tensor("id").tolist() if texts is None else json.loads(texts)


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


def test_two_names_do_not_make_one_file(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.npy", {"a": torch.ones(1)}, [0])
    with pytest.raises(ValueError, match=r"would both make 'rows\.ids\.npy': rename one"):
        saver.save("rows.ids.npy", {"a": torch.ones(1)}, [0])
    saver.close()


def test_what_is_changed_after_the_call_is_not_changed_in_the_file(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    tensor, array, texts = torch.zeros(2), np.zeros(2), ["a", "b"]
    saver.save("rows.jsonl", {"t": tensor, "a": array, "x": texts}, [0, 1])
    tensor.fill_(9)
    array.fill(9)
    texts[:] = ["-", "-"]
    lines = saver.cut_files().files.result()["rows.jsonl"].read_text().splitlines()
    assert lines == [
        '{"id": 0, "t": 0.0, "a": 0.0, "x": "a"}',
        '{"id": 1, "t": 0.0, "a": 0.0, "x": "b"}',
    ]


def test_nor_is_what_is_changed_inside_a_list(tmp_path: Path) -> None:
    saver, go = Saver(tmp_path), threading.Event()
    saver._pool.submit(go.wait)
    array, tensor, boxes, found = np.zeros(2), torch.zeros(2), [[0.0], [1.0]], {"score": [0.5]}
    columns = {"a": list(array[None]), "t": [tensor], "b": [boxes], "f": [found], "p": [(boxes,)]}
    saver.save("rows.jsonl", columns, [0])
    array.fill(9)
    tensor.fill_(9)
    boxes[0][0] = found["score"][0] = 9.0
    go.set()
    text = saver.cut_files().files.result()["rows.jsonl"].read_text()
    assert json.loads(text) == {
        "id": 0,
        "a": [0.0, 0.0],
        "t": [0.0, 0.0],
        "b": [[0.0], [1.0]],
        "f": {"score": [0.5]},
        "p": [[[0.0], [1.0]]],
    }


def test_lists_take_room_for_what_their_items_hold(tmp_path: Path) -> None:
    go = threading.Event()
    saver = Saver(tmp_path, max_bytes=1 << 20)
    saver._pool.submit(go.wait)
    masks = list(np.zeros((4, 200_000), dtype=np.uint8))
    saver.save("rows.parquet", {"mask": masks}, [0, 1, 2, 3])
    timer = threading.Timer(0.2, go.set)
    timer.start()
    saver.save("rows.parquet", {"mask": masks}, [4, 5, 6, 7])
    assert go.is_set()
    assert saver.waited > 0
    timer.join()
    saver.close()


def test_an_interval_has_its_own_files_and_an_empty_one_has_none(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    assert saver.cut_files() is None
    saver.save("rows.npy", {"rows": torch.zeros(1)}, [0])
    first = saver.cut_files().files.result()["rows.npy"]
    saver.save("rows.npy", {"rows": torch.ones(1, 2)}, [1])
    assert np.load(first).tolist() == [0.0]
    assert np.load(saver.cut_files().files.result()["rows.npy"]).tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("name", "columns", "ids", "kind", "match"),
    [
        ("rows.csv", {"a": torch.ones(1)}, [0], ValueError, "'rows.csv' must end in one of"),
        ("../rows.npy", {"a": torch.ones(1)}, [0], ValueError, "file name"),
        ("rows.npy", {}, [], ValueError, "0 columns"),
        ("rows.npy", {"a": torch.ones(1), "b": torch.ones(1)}, [0], ValueError, "2 columns"),
        ("rows.npy", {"a": ["x"]}, [0], TypeError, "must be a tensor or an array of numbers"),
        ("rows.jsonl", {"a": torch.tensor(1.0)}, [0], ValueError, "must have one row first"),
        ("rows.jsonl", {"a": torch.ones(2)}, [0], ValueError, "has 2 rows, but there are 1 ids"),
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


def test_batches_of_one_file_have_equal_columns(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.npy", {"a": torch.ones(1, 2)}, [0])
    with pytest.raises(ValueError, match=r"got id int64 \(\), a float32 \(3,\) now"):
        saver.save("rows.npy", {"a": torch.ones(1, 3)}, [1])
    saver.close()


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("batchprocess.sdk.save.column_types._has_pyarrow", lambda: False)
    with pytest.raises(
        ModuleNotFoundError, match="'rows.parquet' needs pyarrow: pip install pyarrow$"
    ):
        Saver(tmp_path).save("rows.parquet", {"a": torch.ones(1)}, [0])


def test_a_failure_to_encode_is_raised_by_the_commit_and_by_the_next_call(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.jsonl", {"a": [object()]}, [0])
    failed = saver.cut_files()
    with pytest.raises(ValueError, match=r"'rows.jsonl' cannot hold these rows: .*object is not"):
        failed.files.result()
    with pytest.raises(ValueError, match="'rows.jsonl' cannot hold these rows"):
        saver.save("rows.jsonl", {"a": [1]}, [1])


class Slow:
    """A tensor that comes back from a device when it is let."""

    def __init__(self, tensor: torch.Tensor, go: threading.Event) -> None:
        self.tensor, self.go = tensor, go

    def wait(self) -> torch.Tensor:
        self.go.wait()
        return self.tensor


def test_a_full_room_makes_save_wait_and_loses_nothing(tmp_path: Path, monkeypatch) -> None:
    go = threading.Event()
    saver = Saver(tmp_path, max_bytes=100)
    slow = lambda tensor, _: Slow(tensor.clone(), go)  # noqa: E731
    monkeypatch.setattr("batchprocess.sdk.save.snapshots._of_tensor", slow)
    saver.save("rows.npy", {"a": torch.zeros(1, 30)}, [0])
    timer = threading.Timer(0.2, go.set)
    timer.start()
    saver.save("rows.npy", {"a": torch.ones(1, 30)}, [1])
    assert go.is_set()
    assert saver.waited > 0
    files = saver.cut_files().files.result()
    assert np.load(files["rows.npy"])[:, 0].tolist() == [0.0, 1.0]
    timer.join()


def test_without_device_memory_for_a_snapshot_the_copy_is_made_at_once(tmp_path: Path) -> None:
    def no_room(tensor: torch.Tensor) -> Slow:
        raise torch.OutOfMemoryError

    saver = Saver(tmp_path, fetch=no_room)
    meta = torch.empty(1, device="meta")
    with pytest.raises(NotImplementedError, match="meta"):
        saver.save("rows.npy", {"a": meta}, [0])
    saver.save("rows.npy", {"a": torch.ones(1)}, [0])
    assert saver.cut_files() is not None


def test_every_bfloat16_becomes_the_float32_that_it_is() -> None:
    halves = torch.arange(-(1 << 15), 1 << 15).to(torch.int16).view(torch.bfloat16)
    found = torch.from_numpy(numpy_of(halves.reshape(256, 256)))
    assert torch.equal(found.view(torch.int32), halves.reshape(256, 256).float().view(torch.int32))
