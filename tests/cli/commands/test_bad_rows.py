"""`batchprocess results --errors`, and where bad rows are counted."""

import pytest

from batchprocess.ledger.attempt import claim
from batchprocess.ledger.identity import Identity
from batchprocess.runs.local_runs import start_run
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage
from support.commands import Command
from support.storage.made_run import JOB, begin, complete, work


@pytest.fixture
def bad(job_folder: Storage) -> Storage:
    """A complete run without rows 1, 6 and 7."""
    complete(job_folder.at("bad"), bad=(7, 1, 6))
    start_run(job_folder, "bad")
    return job_folder.at("bad")


def test_bad_rows_are_listed_in_dataset_order(bad: Storage, batchprocess: Command) -> None:
    said = batchprocess("results", bad.uri, "--errors", "--json").json
    assert said["uri"] == bad.uri
    assert [one["row"] for one in said["badRows"]] == [1, 6, 7]
    first = said["badRows"][0]
    assert (first["shard"], first["seq"], first["attempt"]) == (0, 2, "a0")
    assert (first["id"], first["batch"], first["stage"]) == ("id1", 0, "reading")
    lines = batchprocess("results", bad.uri, "--errors").out.splitlines()
    assert lines[0] == "row 1 (id1), reading: ValueError"
    assert len(lines) == 3


def test_a_run_without_bad_rows_says_so(run: Storage, batchprocess: Command) -> None:
    said = batchprocess("results", run.uri, "--errors")
    assert (said.code, said.out, said.err) == (0, "", "no row was left out\n")
    assert batchprocess("results", run.uri, "--errors", "--json").json["badRows"] == []


def test_rows_cannot_be_downloaded(run: Storage, batchprocess: Command, tmp_path) -> None:
    assert batchprocess("results", run.uri, "--errors", "--download", tmp_path).code == 2


def test_bad_rows_that_are_gone_or_changed_are_an_error(
    bad: Storage, batchprocess: Command
) -> None:
    key = next(bad.list("errors/00001/")).key
    body = bad.get(key)
    bad.put(key, body.replace(b"Value", b"Other"))
    said = batchprocess("results", bad.uri, "--errors")
    assert said.code == 93
    assert f"{key} was changed" in said.err
    bad.delete(key)
    said = batchprocess("results", bad.uri, "--errors")
    assert said.code == 93
    assert "bad rows of record 2 of shard 1 are missing" in said.err


def test_nothing_that_a_terminal_obeys_is_printed(job_folder: Storage, batchprocess: Command):
    storage = job_folder.at("hostile")
    complete(storage, bad=(1,), say="\x1b[2J\nsecond")
    line = batchprocess("results", storage.uri, "--errors").out
    assert line == "row 1 (\\x1b[2J / second1), reading: ValueError\n"


def test_a_complete_run_counts_them_in_its_summary(bad: Storage, batchprocess: Command) -> None:
    assert batchprocess("status", bad.uri, "--json").json["badRows"] == 3
    assert batchprocess("status", bad.uri).out.count("bad rows, left out: 3;") == 1


def test_a_run_that_goes_on_counts_what_is_committed_whatever_stands_above(
    job_folder: Storage, batchprocess: Command
) -> None:
    storage = job_folder.at("going")
    begin(storage)
    work(storage, 0, bad=(0, 1))
    work(storage, 1, end=1, bad=(6,))
    numbers = iter(range(9))
    me = Identity(1, JOB, "b", lambda: f"{next(numbers):032x}", lambda: "", 0)
    perform(claim(me, max_without_progress=None), storage)
    said = batchprocess("status", storage.uri)
    assert "bad rows, left out: 3; batchprocess results --errors names each" in said.out
    assert len(batchprocess("results", storage.uri, "--errors").out.splitlines()) == 3
