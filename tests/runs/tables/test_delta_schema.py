"""Logs of Delta Lake, as deltalake, Polars and DuckDB read them."""

import datetime
import json
import os
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from batchprocess.ledger.tables.delta_log import delta_tables
from batchprocess.protocol.errors import VerificationError
from batchprocess.runs.perform import perform
from batchprocess.runs.tables.delta_schema import delta_schema
from batchprocess.runs.tables.strays import strays_of
from batchprocess.storage.base import Storage
from batchprocess.storage.local import LocalStorage
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_tables import complete, end, parquet_of, rows_of

LOG = "tables/rows/_delta_log/00000000000000000000.json"
STRAY = f"tables/rows/00000-00000009-{'0' * 32}.parquet"
UTC = datetime.UTC


def options() -> dict[str, str]:
    """How to reach the S3 server that the environment names."""
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    found = {name: os.environ[name] for name in names if name in os.environ}
    return {**found, "AWS_ALLOW_HTTP": "true"}


def table_of(run: Storage) -> deltalake.DeltaTable:
    told = options() if run.uri.startswith("s3://") else None
    return deltalake.DeltaTable(f"{run.uri}/tables/rows", storage_options=told)


def in_order(table: Any) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: row["id"])


def actions(run: Storage, kind: str) -> list[dict[str, Any]]:
    lines = map(json.loads, run.get(LOG).splitlines())
    return [line[kind] for line in lines if kind in line]


def without(store: FakeMemoryStorage) -> dict[str, str]:
    told: dict[str, str] = json.loads(store.objects["summary.json"])["withoutDeltaLog"]
    return told


@pytest.fixture
def run(job_folder: Storage) -> Storage:
    """With a stray that came after the cleaning, which the log has not."""
    made = job_folder.at("one")
    complete(made)
    made.put(STRAY, parquet_of(rows_of(0, 2)))
    return made


def test_deltalake_polars_and_duckdb_read_exactly_what_counts(run: Storage) -> None:
    table, wanted = table_of(run), rows_of(0, 8).to_pylist()
    assert table.version() == 0
    assert in_order(table.to_pyarrow_table()) == wanted
    told = options() if run.uri.startswith("s3://") else None
    # Rows of several values are lists of a fixed length, which Polars' own reader has no cast for.
    read = polars.read_delta(f"{run.uri}/tables/rows", storage_options=told, use_pyarrow=True)
    assert read.sort("id").to_dicts() == wanted
    connection = duckdb.connect()
    connection.register("rows", table.to_pyarrow_dataset())
    found = connection.execute("select id, text, vector from rows order by id").fetchall()
    assert found == [(row["id"], row["text"], row["vector"]) for row in wanted]


def test_statistics_of_numbers_leave_out_files_and_no_row(job_folder: Storage) -> None:
    run = job_folder.at("one")

    def numbers(first: int, end: int) -> bytes:
        vector = rows_of(first, end)["vector"]
        halves = pa.array([n / 2 for n in range(first, end)], pa.float32())
        return parquet_of(pa.table({"id": range(first, end), "half": halves, "vector": vector}))

    complete(run, numbers)
    stats = [json.loads(one["stats"]) for one in actions(run, "add")]
    assert [(one["numRecords"], one["minValues"], one["maxValues"]) for one in stats] == [
        (2, {"id": n, "half": n / 2}, {"id": n + 1, "half": (n + 1) / 2}) for n in (0, 2, 4, 6)
    ]
    found = table_of(run).to_pyarrow_dataset().to_table(filter=pc.field("half") >= 2.5)
    assert [row["id"] for row in in_order(found)] == [5, 6, 7]


def test_a_row_is_found_by_a_column_without_bounds(run: Storage) -> None:
    stats = [json.loads(one["stats"]) for one in actions(run, "add")]
    assert [one["nullCount"]["text"] for one in stats] == [1, 1, 0, 1]
    assert not any("minValues" in one or "maxValues" in one for one in stats)
    told = options() if run.uri.startswith("s3://") else None
    lazy = polars.scan_delta(f"{run.uri}/tables/rows", storage_options=told)
    found = lazy.filter(polars.col("text") == "t,5").select("id", "text").collect()
    assert found.to_dicts() == [{"id": 5, "text": "t,5"}]
    dataset = table_of(run).to_pyarrow_dataset()
    assert dataset.to_table(filter=pc.field("text") == "t,5")["id"].to_pylist() == [5]
    assert dataset.count_rows(filter=pc.field("text").is_null()) == 3
    assert table_of(run).to_pyarrow_table(filters=[("text", "=", "t,5")])["id"].to_pylist() == [5]


def test_the_log_is_a_pure_function_of_the_records(run: Storage) -> None:
    first = run.get(LOG)
    assert [one["path"] for one in actions(run, "add")] == sorted(
        item.key.rpartition("/")[2] for item in run.list("tables/rows/0") if item.key != STRAY
    )
    assert {one["modificationTime"] for one in actions(run, "add")} == {1767225600123}
    assert actions(run, "protocol") == [{"minReaderVersion": 1, "minWriterVersion": 2}]
    assert actions(run, "commitInfo") == []
    # The finalizer has died between the log and `_SUCCESS`.
    run.delete("_SUCCESS")
    end(run)
    assert run.get(LOG) == first
    assert run.get("_SUCCESS") is not None


def test_a_log_that_says_otherwise_is_no_log_of_this_run(run: Storage) -> None:
    run.delete("_SUCCESS")
    run.put(LOG, run.get(LOG) + b"{}\n")
    with pytest.raises(VerificationError, match="00000000.json exists and differs from what the l"):
        end(run)
    assert run.get("_SUCCESS") is None


def test_a_table_that_others_have_added_to_keeps_all_of_its_files(run: Storage) -> None:
    told = options() if run.uri.startswith("s3://") else None
    more = pa.table(rows_of(8, 10).to_pydict(), schema=table_of(run).to_pyarrow_table().schema)
    deltalake.write_deltalake(f"{run.uri}/tables/rows", more, mode="append", storage_options=told)
    before = sorted(item.key for item in run.list("tables/"))
    end(run)
    assert sorted(item.key for item in run.list("tables/")) == before
    assert table_of(run).version() == 1
    assert in_order(table_of(run).to_pyarrow_table()) == rows_of(0, 10).to_pylist()


VALUES = {
    "unsigned": pa.array([1, 255], pa.uint8()),
    "unsigned16": pa.array([1, 65535], pa.uint16()),
    "unsigned32": pa.array([1, 2**32 - 1], pa.uint32()),
    "small": pa.array([-128, 127], pa.int8()),
    "half": pa.array([1.5, None], pa.float32()),
    "flag": pa.array([True, None]),
    "bytes": pa.array([b"\x00", None]),
    "day": pa.array([datetime.date(2026, 1, 1), None]),
    "at": pa.array([datetime.datetime(2026, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    "at_ms": pa.array([datetime.datetime(2026, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("ms", "UTC")),
    "nested": pa.array([{"a": [1, None], "b": {"c": "x"}}, None]),
    "matrix": pa.FixedSizeListArray.from_arrays(
        pa.FixedSizeListArray.from_arrays(pa.array(range(8)), 2), 2
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_each_type_are_read_as_they_were_saved(job_folder: Storage, name: str) -> None:
    run = job_folder.at("one")

    def part(first: int, end: int) -> pa.Table:
        return pa.table({"id": range(first, end), name: VALUES[name]})

    complete(run, lambda *rows: parquet_of(part(*rows)))
    found = in_order(table_of(run).to_pyarrow_table())
    assert [row[name] for row in found] == VALUES[name].to_pylist() * 4
    told = options() if run.uri.startswith("s3://") else None
    pyarrow = name == "matrix"
    read = polars.read_delta(
        f"{run.uri}/tables/rows", storage_options=told, use_pyarrow=pyarrow
    ).sort("id")
    assert read[name].to_list() == VALUES[name].to_pylist() * 4


@pytest.mark.parametrize("name", [*VALUES, "nan", "none", "large"])
def test_rows_are_found_by_a_column_of_each_type(tmp_path: Path, name: str) -> None:
    more = {
        "nan": pa.array([1.5, float("nan")]),
        "none": pa.nulls(2, pa.int64()),
        "large": pa.array([2**60, 1]),
    }
    values = (VALUES | more)[name]
    run, flags = LocalStorage(tmp_path / "job" / "one"), VALUES["flag"]

    def part(first: int, end: int) -> pa.Table:
        return pa.table({"id": range(first, end), name: values, "other": flags})

    complete(run, lambda *rows: parquet_of(part(*rows)))
    found = table_of(run).to_pyarrow_dataset()
    whole = found.to_table()
    for column in (name, "other", "id"):
        for asked in (pc.field(column).is_null(), pc.field(column).is_valid()):
            assert found.count_rows(filter=asked) == whole.filter(asked).num_rows
        if not pa.types.is_nested(whole[column].type):
            equal = pc.field(column) == whole[column][0]
            assert found.count_rows(filter=equal) == whole.filter(equal).num_rows


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (pa.float16(), "column 'x' is of type halffloat"),
        (pa.uint64(), "column 'x' is of type uint64"),
        (pa.timestamp("us"), "column 'x' is of type timestamp[us]"),
        (pa.timestamp("ns", "UTC"), "column 'x' is of type timestamp[ns, tz=UTC]"),
        (pa.timestamp("us", "Europe/Berlin"), "column 'x' is of type timestamp[us, tz=Europe/Be"),
        (pa.list_(pa.uint64()), "column 'x.[]' is of type uint64"),
        (pa.struct([("a b", pa.int8())]), "a column is called 'x.a b'"),
        (pa.struct([("a", pa.int8()), ("A", pa.int8())]), "column 'a' is there in two spellings"),
    ],
)
def test_what_delta_cannot_hold_has_no_log_and_that_is_said(
    kind: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = FakeMemoryStorage()
    schema = pa.schema([("id", pa.int64()), ("x", kind)])
    complete(store, lambda *_: parquet_of(schema.empty_table()))
    assert f"table rows has no log of Delta Lake: {said}" in caplog.text
    assert said in without(store)["rows"]
    assert LOG not in store.objects


def test_a_job_that_wants_no_log_has_none_and_the_summary_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = FakeMemoryStorage()
    complete(store, delta_log=False)
    assert not any("_delta_log" in key for key in store.objects)
    assert without(store) == {"rows": "spec.output.delta is false"}
    assert "Delta" not in caplog.text


def test_a_log_that_stands_stays_when_the_next_finalizer_is_told_to_write_none() -> None:
    store = FakeMemoryStorage()
    complete(store)
    first = store.objects[LOG]
    # It has died between the log and the summary, and another job ends the run.
    del store.objects["_SUCCESS"], store.objects["summary.json"]
    store.objects[STRAY] = b"late"
    end(store, delta_log=False)
    assert store.objects[LOG] == first
    assert without(store) == {"rows": "spec.output.delta is false"}
    assert STRAY in store.objects, "by the summary that log may be another's"


def test_a_finalizer_that_is_told_to_writes_the_log_beside_a_summary_that_names_none() -> None:
    store = FakeMemoryStorage()
    complete(store, delta_log=False)
    summary = store.objects["summary.json"]
    del store.objects["_SUCCESS"]
    end(store)
    assert store.objects["summary.json"] == summary
    other = FakeMemoryStorage()
    complete(other)
    assert store.objects[LOG] == other.objects[LOG]


def test_a_log_that_others_have_made_keeps_the_files_that_it_names(tmp_path: Path) -> None:
    run = LocalStorage(tmp_path / "job" / "one")
    complete(run, delta_log=False)
    run.put(STRAY, parquet_of(rows_of(0, 2)))
    deltalake.convert_to_deltalake(f"{run.uri}/tables/rows")
    end(run, delta_log=False)
    assert strays_of(run) == ()
    assert len(in_order(table_of(run).to_pyarrow_table())) == 10
    for item in list(run.list("tables/rows/_delta_log/")):
        run.delete(item.key)
    assert strays_of(run) == (STRAY,)


def test_other_formats_have_none_and_that_is_not_said() -> None:
    store = FakeMemoryStorage()
    complete(store, lambda first, _: b"%d\n" % first, name="rows.jsonl")
    assert without(store) == {}
    assert perform(delta_tables([], delta_schema), store) == ([], {})
