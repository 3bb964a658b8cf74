"""Parquet files of `context.save`."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from batchprocess.sdk.save.saver import Saver
from support.saved_files import IDS, save_twice

NAIVE = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)


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
    files = save_twice(tmp_path, "rows.parquet", columns, ids)
    table = pq.read_table(files["rows.parquet"])
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


@pytest.mark.parametrize("group", [0, 32 << 20], ids=["written", "waiting"])
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([{"tokens": 5}], [{"tokens": 5, "error": "row 1 was cut"}]),
        ([None], ["boom"]),
        ([[]], [["a"]]),
        ([{"a": None}], [{"a": {"b": [1.5]}}]),
        ([1], [0.5]),
        ([0.5], [2**53]),
        ([7], [2**64 - 1]),
        ([Decimal("1.5")], [Decimal("1000.25")]),
        ([NAIVE], [None]),
        ([datetime(2020, 1, 1, tzinfo=UTC)], [datetime(1900, 1, 1, 0, 0, 0, 1, UTC)]),
        ([date(2020, 1, 1)], [date.max]),
        ([b"\xff"], [b""]),
        ([UUID(int=1)], [None]),
    ],
    ids=str,
)
def test_a_type_that_holds_both_is_taken_even_if_rows_are_written_already(
    tmp_path: Path, monkeypatch, group, first, then
) -> None:
    monkeypatch.setattr("batchprocess.sdk.save.formats.parquet._GROUP_BYTES", group)
    saver = Saver(tmp_path)
    for number, value in enumerate([first, then, first]):
        saver.save("rows.parquet", {"x": value, "y": torch.ones(1, 2)}, [number])
    file = saver.cut_files().files.result()["rows.parquet"]
    found = pq.read_table(file)
    wanted = [*first, *then, *first]
    if isinstance(wanted[0], dict):
        keys = dict.fromkeys(key for row in wanted for key in row)
        wanted = [{key: row.get(key) for key in keys} for row in wanted]
    assert found["x"].to_pylist() == wanted
    assert (found["id"].to_pylist(), len(found["y"])) == ([0, 1, 2], 3)
    assert [one for one in file.parent.iterdir() if one.suffix != ".statistics"] == [file]


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        ([1], ["boom"], ["'x'", "string now", "int64 before", "a value is boom"]),
        ([True], [1], ["bool", "int64", "value is 1"]),
        ([2**53 + 1], [0.5], ["int64", "double"]),
        ([0.5], [-(2**53) - 1], ["int64", "double", "is -9007199254740993"]),
        ([-1], [2**63], ["int64", "uint64", "is 9223372036854775808"]),
        ([{"a": {"b": [1]}}], [{"a": {"b": ["c"]}}], ["'x.a.b[]'", "value is c"]),
        ([date(2020, 1, 1)], [NAIVE], ["date32", "timestamp", "00:00"]),
        ([NAIVE], [datetime(2020, 1, 1, tzinfo=UTC)], ["tz=UTC"]),
        (["a"], [b"a"], ["binary", "string"]),
        ([np.datetime64(1, "us")], [np.datetime64(1, "ns")], ["[ns]", "[us]"]),
        ([Decimal(10) ** 60], [Decimal("1e-60")], ["decimal256"]),
        ([[1]], [{"a": 1}], ["list", "struct"]),
    ],
    ids=str,
)
def test_what_no_type_holds_exactly_is_refused_in_the_call_with_value_and_both_types(
    tmp_path: Path, first, then, words
) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.parquet", {"x": first}, [0])
    with pytest.raises(TypeError) as error:
        saver.save("rows.parquet", {"x": then}, [1])
    assert [word for word in ["'rows.parquet'", *words] if word not in str(error.value)] == []
    saver.close()


def test_columns_may_come_in_another_order(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.parquet", {"a": [1], "b": torch.ones(1)}, [0])
    saver.save("rows.parquet", {"b": torch.zeros(1), "a": [2]}, [1])
    table = pq.read_table(saver.cut_files().files.result()["rows.parquet"])
    assert table.to_pydict() == {"id": [0, 1], "a": [1, 2], "b": [1.0, 0.0]}


@pytest.mark.parametrize("shape", [(2, 0), (2, 3, 0), (2, 0, 3), (0, 3), (0, 0)], ids=str)
def test_rows_without_values_are_read_again(tmp_path: Path, shape) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.parquet", {"x": torch.ones(shape)}, range(shape[0]))
    saver.save("rows.parquet", {"x": torch.ones(shape)}, range(shape[0]))
    table = pq.read_table(saver.cut_files().files.result()["rows.parquet"])
    assert table["x"].to_pylist() == torch.ones(shape).tolist() * 2


def test_what_is_nested_deeper_than_readers_read_is_refused(tmp_path: Path) -> None:
    saver, deep = Saver(tmp_path), 1
    for _ in range(44):
        deep = [deep]
    saver.save("rows.parquet", {"x": [deep]}, [0])
    with pytest.raises(ValueError, match="'x' is nested too deep"):
        saver.save("rows.parquet", {"x": [[deep]]}, [1])
    table = pq.read_table(saver.cut_files().files.result()["rows.parquet"])
    assert table["x"].to_pylist() == [deep]


@pytest.mark.parametrize("value", [{}, [{}], {"a": {}}, None], ids=str)
def test_dicts_without_any_key_are_refused_by_the_columns_name(tmp_path: Path, value) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.parquet", {"meta": [value], "y": [1]}, [0])
    if value is None:
        saver.save("rows.parquet", {"meta": [{}], "y": [1]}, [1])
    files = saver.cut_files().files
    with pytest.raises(ValueError, match="'rows.parquet' .* column 'meta.* has dicts, and none"):
        files.result()
    saver.close()


def test_dicts_get_keys_from_later_batches(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.parquet", {"meta": [{}, None]}, [0, 1])
    saver.save("rows.parquet", {"meta": [{"error": "x"}]}, [2])
    table = pq.read_table(saver.cut_files().files.result()["rows.parquet"])
    assert table["meta"].to_pylist() == [{"error": None}, None, {"error": "x"}]
