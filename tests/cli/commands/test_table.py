"""`batchprocess results --table`: rows of a table in dataset order, exactly, as one file."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from batchprocess.cli.commands.table import MAX_BATCH_ROWS
from batchprocess.runs.tables import table_writers
from batchprocess.storage.base import Storage
from support.commands import Command
from support.storage.made_tables import complete, parquet_of, rows_of

STRAY = f"tables/rows/00000-00000009-{'0' * 32}.parquet"


@pytest.fixture
def run(job_folder: Storage) -> Storage:
    """With a stray, which a reader of the folder would take."""
    made = job_folder.at("one")
    complete(made)
    made.put(STRAY, parquet_of(rows_of(0, 2)))
    return made


def test_all_rows_become_one_parquet_file_in_order(
    run: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    said = batchprocess("results", run.uri, "--table", "rows", "-o", tmp_path / "all.parquet")
    assert (said.code, said.out) == (0, f"{tmp_path / 'all.parquet'}: 8 rows of 4 files\n")
    assert pq.read_table(tmp_path / "all.parquet").equals(rows_of(0, 8))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".partial")] == []


def test_who_lists_files_is_told_of_the_tables_that_they_make(
    run: Storage, batchprocess: Command
) -> None:
    said = batchprocess("results", run.uri)
    assert len(said.out.splitlines()) == 4
    assert said.err == "--table NAME -o FILE gives all rows of a table as one file; tables: rows\n"


def test_all_rows_become_lines_of_json(run: Storage, batchprocess: Command, tmp_path: Path) -> None:
    said = batchprocess(
        "results", run.uri, "--table", "rows", "-o", tmp_path / "all.jsonl", "--json"
    )
    assert said.json["rows"] == 8
    lines = (tmp_path / "all.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows_of(0, 8).to_pylist()


def test_a_column_that_csv_cannot_hold_is_named_and_nothing_is_left(
    run: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    (to := tmp_path / "to").mkdir()
    said = batchprocess("results", run.uri, "--table", "rows", "-o", to / "all.csv")
    assert said.code == 91
    assert "column 'vector' is of type fixed_size_list" in said.err
    assert not list(to.iterdir())


def test_plain_columns_become_csv(
    job_folder: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    run = job_folder.at("one")
    complete(run, lambda first, end: parquet_of(rows_of(first, end).drop(["vector"])))
    said = batchprocess("results", run.uri, "--table", "rows", "-o", tmp_path / "all.csv")
    assert said.code == 0
    told = csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    read = csv.read_csv(tmp_path / "all.csv", convert_options=told)
    assert read.equals(rows_of(0, 8).drop(["vector"]))


def test_lines_of_json_are_joined(
    job_folder: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    run = job_folder.at("one")
    complete(run, lambda first, end: b"%d\n%d\n" % (first, end - 1), name="rows.jsonl")
    batchprocess("results", run.uri, "--table", "rows", "-o", tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").read_text().split() == [str(row) for row in range(8)]
    said = batchprocess("results", run.uri, "--table", "rows", "-o", tmp_path / "all.csv")
    assert "table 'rows' is of .jsonl files, of which no .csv can be made" in said.err


def test_what_is_no_number_of_json_is_refused(
    job_folder: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    run = job_folder.at("one")
    complete(run, lambda first, _: parquet_of(pa.table({"id": [first], "x": [float("nan")]})))
    said = batchprocess("results", run.uri, "--table", "rows", "-o", tmp_path / "all.jsonl")
    assert said.code == 91
    assert "the row with id 0 has NaN or infinity" in said.err


def test_a_file_that_was_changed_is_no_table(
    run: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    key = next(item.key for item in run.list("tables/rows/00001-"))
    run.put(key, parquet_of(rows_of(0, 2)))
    said = batchprocess("results", run.uri, "--table", "rows", "-o", tmp_path / "all.parquet")
    assert (said.code, (tmp_path / "all.parquet").exists()) == (93, False)
    assert f"{key} was changed" in said.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--table", "other", "-o", "x.csv"], "no file of a table 'other' is committed; tables: r"),
        (["--table", "rows", "-o", "x.txt"], "must end in one of .parquet, .jsonl, .csv"),
        (["--table", "rows", "-o", "none/x.csv"], "cannot be written: No such file or directory"),
        (["--table", "rows", "-o", "s3://b/x.csv"], "x.csv must be on this machine"),
        (["--table", "rows"], "--table and -o go together"),
        (["--table", "rows", "-o", "x.csv", "--errors"], "give one of them"),
    ],
)
def test_wrong_calls_say_what_to_do(
    run: Storage, batchprocess: Command, arguments: list[str], sentence: str
) -> None:
    said = batchprocess("results", run.uri, *arguments)
    assert said.code in (2, 91)
    assert sentence in said.err


def test_so_many_rows_are_in_memory_at_a_time(
    job_folder: Storage, batchprocess: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, sizes = job_folder.at("one"), list[int]()

    class Recording:
        def __init__(self, path: Path, _schema: pa.Schema) -> None:
            path.touch()

        def add(self, rows: pa.RecordBatch) -> None:
            sizes.append(len(rows))

        def finish(self) -> None:
            pass

    def files(first: int, end: int) -> bytes:
        return parquet_of(pa.table({"id": range(first, end)})) if first else parquet_of(many)

    many = pa.table({"id": range(MAX_BATCH_ROWS + 1)})
    complete(run, files)
    monkeypatch.setattr(table_writers, "WRITERS", {".parquet": Recording})
    to = tmp_path / "all.parquet"
    assert batchprocess("results", run.uri, "--table", "rows", "-o", to).code == 0
    assert sizes == [MAX_BATCH_ROWS, 1, 2, 2, 2]
