"""Parquet rows, from a folder and from a real S3 server."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchprocess.data import parquet
from batchprocess.data.rows.arrow_rows import ArrowRows
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.report.row_errors import is_of_row
from data.conftest import Input
from support.read_rows import rows_by_processes

pytestmark = pytest.mark.slow


def written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def fill(place: Input) -> list[dict[str, Any]]:
    """Three files of row groups of 100, one of them empty, columns in two orders; the rows."""
    rows = [{"id": n, "text": f"t{n}" if n % 7 else None, "list": [n, n + 1]} for n in range(730)]
    cuts = [(0, 450), (450, 450), (450, 730)]
    for number, (first, end) in enumerate(cuts):
        types = pa.schema([("id", "int32"), ("text", "string"), ("list", pa.list_(pa.int64()))])
        table = pa.Table.from_pylist(rows[first:end], types)
        if number == 2:
            table = table.select(["list", "text", "id"])
        place.write(f"part-{number}.parquet", written(table, row_group_size=100))
    return rows


def test_each_row_is_found_across_groups_and_files(place: Input) -> None:
    rows = fill(place)
    found = parquet(f"{place.uri}/*.parquet")
    assert len(found) == len(rows)
    assert [found[n] for n in (0, 99, 100, 449, 450, -1)] == [
        rows[n] for n in (0, 99, 100, 449, 450, -1)
    ]
    assert list(found.__getitems__(range(730))) == rows
    some = [700, 3, 4, 5, 449, 450, 451]
    batch = found.__getitems__(some)
    assert type(batch) is ArrowRows
    assert list(batch) == [rows[n] for n in some]
    assert batch[1:3] == [rows[3], rows[4]]
    assert batch.table.schema.field("id").type == pa.int32()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loader_processes_read_the_same(place: Input, method: str) -> None:
    rows = fill(place)
    found = parquet(f"{place.uri}/", columns=["text", "id"])
    assert found[0] == {"text": None, "id": 0}
    expected = [{"text": row["text"], "id": row["id"]} for row in rows]
    assert rows_by_processes(found, method) == expected


def write(folder: Path, **files: pa.Table) -> Path:
    for name, table in files.items():
        (folder / f"{name}.parquet").write_bytes(written(table))
    return folder


def test_files_with_other_columns_are_refused_unless_they_are_left_out(tmp_path: Path) -> None:
    one = pa.table({"a": [1], "b": ["x"]})
    write(tmp_path, x=one, y=pa.table({"a": [1.5], "b": ["y"]}), z=pa.table({"b": ["z"]}))
    with pytest.raises(InvalidArgument, match=r"column 'a' is double in .*y.parquet, and int64 in"):
        len(parquet(tmp_path))
    assert [row["b"] for row in parquet(tmp_path, columns=["b"])] == ["x", "y", "z"]
    with pytest.raises(InvalidArgument, match=r"x.parquet has no column 'c'; it has a, b"):
        len(parquet(tmp_path, columns=["c"]))


def test_a_column_is_that_one_only_and_columns_come_as_they_are_asked_for(tmp_path: Path) -> None:
    write(tmp_path, x=pa.table({"a.b": [1], "a": [2], "c": [3]}))
    (row,) = parquet(tmp_path, columns=["c", "a"])
    assert list(row.items()) == [("c", 3), ("a", 2)]


def test_two_columns_of_one_name_are_refused_for_a_row_would_lose_one(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    write(tmp_path, x=twice)
    with pytest.raises(InvalidArgument, match=r"x.parquet has two columns 'a'"):
        len(parquet(tmp_path))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet" * 10])
def test_what_is_no_whole_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.parquet").write_bytes(content)
    with pytest.raises(InvalidArgument, match=r"bad\.parquet is no whole Parquet file"):
        len(parquet(tmp_path))


def test_a_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    whole = written(pa.table({"a": np.arange(10_000)}))
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidArgument, match=r"cut\.parquet is no whole Parquet file"):
        len(parquet(tmp_path))


@pytest.mark.parametrize("byte", range(3, 60, 8))
def test_a_footer_that_is_damaged_is_named_or_read(tmp_path: Path, byte: int) -> None:
    whole = bytearray(written(pa.table({"text": ["a", "b"], "nested": [{"x": [1]}, None]})))
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    whole[footer + byte] ^= 0xFF
    (tmp_path / "bad.parquet").write_bytes(whole)
    said = ""
    try:
        list(parquet(tmp_path))
    except ValueError as error:
        said = str(error)
    assert not said or "bad.parquet" in said or "none of them has any" in said


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip"])
def test_a_row_group_that_is_damaged_is_bad_rows_of_that_file(tmp_path: Path, codec: str) -> None:
    table = pa.table({"a": np.arange(200), "text": [f"text {n}" for n in range(200)]})
    whole = bytearray(written(table, row_group_size=100, compression=codec))
    group = pq.ParquetFile(io.BytesIO(whole)).metadata.row_group(1)
    begin = group.column(0).dictionary_page_offset
    whole[begin + 25 : begin + 65] = bytes(40)
    (tmp_path / "bad.parquet").write_bytes(whole)
    found = parquet(tmp_path)
    assert found[99] == {"a": 99, "text": "text 99"}
    with pytest.raises(ValueError, match=r"bad.parquet: row group 1, with row 150, ") as raised:
        found[150]
    assert is_of_row(raised.value)


def test_a_group_of_other_rows_than_its_footer_says_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, x=pa.table({"a": range(10)}))
    found = parquet(tmp_path)
    assert len(found) == 10
    read = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda *given: read(*given).slice(1))
    with pytest.raises(ValueError, match=r"row group 0, with row 3, .*: it has 9 rows of 10"):
        found[3]


@pytest.mark.parametrize("columns", ["a", []])
def test_columns_must_be_a_list(columns: Any) -> None:
    with pytest.raises(InvalidArgument, match="must be a list of names"):
        parquet("x", columns=columns)
