"""A run's table as a pyarrow dataset: exactly the files that count, in dataset order."""

import pytest

from batchprocess import results
from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.storage.base import Storage
from support.storage.made_tables import complete, parquet_of, rows_of, work

STRAY = f"tables/rows/00000-00000009-{'0' * 32}.parquet"


def test_a_table_has_the_rows_of_the_manifest_in_order_and_nothing_else(
    job_folder: Storage,
) -> None:
    run = job_folder.at("one")
    complete(run)
    run.put(STRAY, parquet_of(rows_of(0, 2)))
    table = results(run.uri).table("rows")
    assert table.to_table().equals(rows_of(0, 8))
    assert table.to_table(columns=["text"]).equals(rows_of(0, 8).select(["text"]))
    assert table.head(3).equals(rows_of(0, 3))
    assert table.count_rows() == 8


def test_a_file_of_another_size_or_none_is_told(job_folder: Storage) -> None:
    run = job_folder.at("one")
    complete(run)
    table = results(run.uri).table("rows")
    key = next(item.key for item in run.list("tables/rows/00001-"))
    run.put(key, parquet_of(rows_of(0, 1)))
    with pytest.raises(VerificationError, match="bytes, and .* were committed"):
        table.to_table()
    run.delete(key)
    with pytest.raises(VerificationError, match="is missing; see batchprocess verify"):
        results(run.uri).table("rows").to_table()


def test_another_name_says_which_there_are(job_folder: Storage) -> None:
    run = job_folder.at("one")
    complete(run)
    with pytest.raises(
        InvalidArgument, match="no file of a table 'row' is committed; tables: rows"
    ):
        results(run.uri).table("row")


def test_a_table_of_a_run_that_goes_on_has_what_is_committed(job_folder: Storage) -> None:
    from batchprocess.ledger.run import open_run
    from batchprocess.runs.perform import perform
    from support.storage.made_tables import RUN

    run = job_folder.at("one")
    perform(open_run(RUN), run)
    work(run, 0, lambda first, end: parquet_of(rows_of(first, end)))
    assert results(run.uri).table("rows").to_table().equals(rows_of(0, 4))
    work(run, 1, lambda first, end: parquet_of(rows_of(first, end)))
    assert results(run.uri).table("rows").to_table().equals(rows_of(0, 8))


def test_other_formats_are_no_dataset(job_folder: Storage) -> None:
    run = job_folder.at("one")
    complete(run, lambda first, _: b"%d\n" % first, name="rows.jsonl")
    with pytest.raises(InvalidArgument, match="table 'rows' is of .jsonl files"):
        results(run.uri).table("rows")
    assert len(list(results(run.uri))) == 4
