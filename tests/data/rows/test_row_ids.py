"""Ids of rows: by file and number, or of a column."""

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchprocess.data import files, jsonl, parquet, text
from batchprocess.data.rows.row_ids import MAX_ID, KnownIds, check_id_column, checked_ids
from batchprocess.protocol.errors import InvalidArgument
from data.conftest import Input


def lines(values: list[Any]) -> str:
    return "".join(json.dumps({"name": value}) + "\n" for value in values)


@pytest.mark.slow
def test_rows_are_called_by_their_file_and_their_number_in_it(place: Input) -> None:
    place.write("in/a.txt", b"one\ntwo\n")
    place.write("in/b.txt", b"three\n")
    names = [str(name) for name in text(place.uri + "/in/*.txt").row_ids([2, -2, 0])]
    assert [name.rpartition("/")[2] for name in names] == ["b.txt:0", "a.txt:1", "a.txt:0"]
    assert not any(name.startswith(("s3:", "/")) for name in names)


def test_files_of_several_folders_are_called_by_their_address(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("1")
    both = [tmp_path / "x", tmp_path / "y"]
    assert text(both).row_ids([0, 1]) == [f"{one}/a.txt:0" for one in both]
    assert files(both).row_ids([0, 1]) == [f"{one}/a.txt" for one in both]
    assert files(tmp_path / "x").row_ids([0]) == ["a.txt"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_column_has_the_ids(tmp_path: Path, kind: str) -> None:
    values = [f"n{number}" for number in range(300)]
    (tmp_path / "a.jsonl").write_text(lines(values))
    pq.write_table(pa.table({"name": values}), tmp_path / "a.parquet", row_group_size=7)
    make: Any = {"jsonl": jsonl, "parquet": parquet}[kind]
    found = make(tmp_path / f"a.{kind}", id="name")
    assert found.row_ids([5, 299, -2]) == ["n5", "n299", "n298"]
    assert pickle.loads(pickle.dumps(found)).row_ids(range(300)) == values
    assert found.fingerprint() != make(tmp_path / f"a.{kind}").fingerprint()


def test_of_rows_that_were_read_last_nothing_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines([1, 2, 3]))
    found = jsonl(path, id="name")
    found.__getitems__([1, 2])
    path.unlink()
    assert found.row_ids([1, 2]) == [2, 3]


@pytest.mark.parametrize("value", [None, "", 1.5, True, ["a"], "x" * (MAX_ID + 1), 2**63, "\ud800"])
def test_a_row_whose_value_can_be_no_id_is_a_bad_row(tmp_path: Path, value: Any) -> None:
    (tmp_path / "a.jsonl").write_text(lines(["good", value, 7]))
    found = jsonl(tmp_path / "a.jsonl", id="name")
    with pytest.raises(
        ValueError, match=r"a\.jsonl: row 1 has .* as 'name', which is to be its id"
    ):
        found.__getitems__([0, 1, 2])
    assert found.row_ids([0, 1, 2]) == ["good", "a.jsonl:1", 7]


def test_a_column_that_no_table_has_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(InvalidArgument, match="id 'b' is no column: there are a"):
        parquet(tmp_path / "a.parquet", id="b")[0]
    with pytest.raises(InvalidArgument, match="id 'b' is no column"):
        parquet(tmp_path / "a.parquet", id="b").row_ids([0])


@pytest.mark.parametrize("column", [7, ""])
def test_the_column_has_a_name(column: Any) -> None:
    with pytest.raises(InvalidArgument, match="must be the name of a column"):
        check_id_column(column, None)


def test_ids_of_some_batches_are_known_and_a_copy_knows_none() -> None:
    known = KnownIds()
    for batch in range(40):
        known.add([batch, batch + 1], [f"n{batch}", "x"])
    assert known.get(range(39, 41)) == ["n39", "x"]
    assert known.get([8, 9]) == ["n8", "x"]
    assert known.get([7, 8]) is None
    assert known.get([39]) is None
    assert pickle.loads(pickle.dumps(known)).get([39, 40]) is None


def test_an_id_may_have_so_many_characters_and_bits() -> None:
    values: list[str | int] = ["ä" * MAX_ID, 2**63 - 1, -(2**63)]
    assert checked_ids(values, "name", list) == values
