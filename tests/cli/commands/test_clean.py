"""`batchprocess clean` removes what is abandoned, after asking, and nothing else."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batchprocess.protocol.environment import S3Settings
from batchprocess.storage.base import Storage
from batchprocess.storage.local import LocalStorage
from batchprocess.storage.s3_client import Clients
from support.commands import Command
from support.storage.made_run import begin, complete, record, work

OLD = "2026-01-01T00:00:00+00:00"


def test_clean_asks_removes_the_abandoned_and_nothing_else(
    run: Storage, going: Storage, job_folder: Storage, batchprocess: Command
) -> None:
    abandoned = job_folder.at("three")
    begin(abandoned)
    work(abandoned, 0, end=1, at=OLD)
    refused = batchprocess("clean", job_folder.uri, answer="n\n")
    assert "abandoned runs" in refused.err
    assert "three" in refused.err
    assert list(abandoned.list())
    listed = batchprocess("clean", job_folder.uri, "--json")
    assert (listed.json["abandoned"], listed.json["removedObjects"]) == (["three"], 0)
    said = batchprocess("clean", job_folder.uri, answer="y\n")
    assert "removed 4 objects" in said.out
    assert list(abandoned.list()) == []
    for kept in (run, going):
        assert batchprocess("verify", kept.uri).code == 0


def test_clean_removes_what_a_run_has_kept_of_its_input(
    run: Storage, job_folder: Storage, batchprocess: Command
) -> None:
    abandoned = job_folder.at("three")
    begin(abandoned)
    work(abandoned, 0, end=1, at=OLD)
    for name in ("listing.json", f"objects-{'0' * 64}.jsonl"):
        abandoned.put(f"inputs/{'5' * 32}/{name}", b"{}")
    assert "removed 6 objects" in batchprocess("clean", job_folder.uri, "--yes").out
    assert list(abandoned.list()) == []


STRAY = f"tables/rows/00000-00000009-{'0' * 32}.jsonl"


def test_clean_removes_strays_from_tables_of_complete_runs_and_nothing_of_others(
    job_folder: Storage, batchprocess: Command
) -> None:
    one, two = job_folder.at("one"), job_folder.at("two")
    for run in (one, two):
        complete(run, saved=True)
    before = {item.key for item in one.list()}
    others = ("tables/rows/theirs.jsonl", "tables/rows/_delta_log/00000000000000000000.json")
    for key in (STRAY, *others):
        one.put(key, b"x")
    two.put(STRAY, b"x")
    # Whoever has gone on with a table may need any file of it.
    two.put("tables/rows/_delta_log/00000000000000000001.json", b"x")
    listed = batchprocess("clean", job_folder.uri, "--json")
    assert listed.json["strays"] == [f"one/{STRAY}"]
    assert "removed 1 object " in batchprocess("clean", job_folder.uri, "--yes").out
    assert {item.key for item in one.list()} == before | set(others)
    assert two.stat(STRAY) == 1


def test_clean_leaves_strays_where_nobody_knows_what_counts(
    job_folder: Storage, batchprocess: Command
) -> None:
    run = job_folder.at("one")
    complete(run, saved=True)
    run.put(STRAY, b"x")
    run.put("manifest.jsonl", b"")
    said = batchprocess("clean", job_folder.uri, "--yes")
    assert "one was not looked through for strays: _SUCCESS names another manifest" in said.err
    assert run.stat(STRAY) == 1


def test_clean_leaves_an_abandoned_run_whose_table_others_have_gone_on_with(
    run: Storage, job_folder: Storage, batchprocess: Command
) -> None:
    abandoned = job_folder.at("three")
    begin(abandoned)
    work(abandoned, 0, end=1, at=OLD, saved=True)
    abandoned.put("tables/rows/_delta_log/00000000000000000001.json", b"x")
    said = batchprocess("clean", job_folder.uri, "--yes", "--json")
    assert said.json["abandoned"] == []
    assert "three: others have gone on with a table of it" in said.err


def test_clean_leaves_a_run_that_may_still_go_on(
    run: Storage, job_folder: Storage, batchprocess: Command
) -> None:
    active = job_folder.at("three")
    begin(active)
    work(active, 0, end=1)
    complete(job_folder.at("four"))
    said = batchprocess("clean", job_folder.uri, "--yes", "--json")
    assert (said.json["abandoned"], said.json["younger"]) == ([], ["three"])
    assert (
        said.err == "left 1 run with a record younger than 1 hour, which may still go on: three\n"
    )
    assert list(active.list())


def test_clean_says_that_an_address_is_wrong(
    run: Storage, job_folder: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    above, _, name = job_folder.uri.rpartition("/")
    for wrong in (above, f"{above}/other{name}"):
        said = batchprocess("clean", wrong, "--yes")
        assert said.code != 0
        assert said.out == ""
        assert len(said.err.splitlines()[-1]) > 20
    assert f"there is no run at {above}: " in batchprocess("clean", above).err
    said = batchprocess("clean", run.uri, "--yes")
    assert said.code == 91
    assert (
        f"{run.uri} is the folder of one run: clean takes the job's, {job_folder.uri}" in said.err
    )
    assert batchprocess("verify", run.uri).code == 0


def test_the_rule_of_what_is_cleaned_is_told_by_help_and_page(batchprocess: Command) -> None:
    said = " ".join(batchprocess("clean", "--help").out.split())
    assert "TARGET is a job file or a job's folder." in said
    assert "a run with a record younger than one hour" in said
    page = " ".join((Path(__file__).parents[3] / "docs" / "cli.md").read_text().split())
    assert "a run with a record younger than one hour" in page


def test_clean_leaves_a_run_that_a_cluster_has_suspended(
    job_folder: Storage, batchprocess: Command
) -> None:
    for name, at in (("uid-1", "2025-01-01T00:00:00+00:00"), ("uid-2", OLD)):
        begin(job_folder.at(name))
        work(job_folder.at(name), 0, end=1, at=at)
    said = batchprocess("clean", job_folder.uri, "--yes", "--json")
    assert said.json["abandoned"] == ["uid-1"]
    assert list(job_folder.at("uid-1").list()) == []
    assert list(job_folder.at("uid-2").list())


@pytest.mark.parametrize("at", ["2025-01-01T00:00:00", "some day"])
def test_clean_bears_times_that_another_program_has_written(
    job_folder: Storage, batchprocess: Command, at: str
) -> None:
    for name, when in (("one", at), ("two", OLD)):
        begin(job_folder.at(name))
        work(job_folder.at(name), 0, end=1, at=when)
    said = batchprocess("clean", job_folder.uri, "--yes", "--json")
    # What has no time may have been written just now.
    assert (said.code, said.json["abandoned"]) == (0, ["one"] if at.startswith("2025") else ["two"])


def test_clean_leaves_a_run_that_goes_on_behind_a_record_that_is_lost(
    job_folder: Storage, batchprocess: Command
) -> None:
    begin(lost := job_folder.at("one"))
    work(lost, 0, end=1, at="2025-01-01T00:00:00+00:00")
    work(lost, 0, end=2)
    lost.delete(record(3))
    begin(job_folder.at("two"))
    work(job_folder.at("two"), 0, end=1, at=OLD)
    said = batchprocess("clean", job_folder.uri, "--yes", "--json")
    assert said.json["abandoned"] == ["two"]


def interrupt_an_upload(job_folder: Storage, name: str) -> None:
    """As a writer that is killed leaves it, long ago."""
    if isinstance(job_folder, LocalStorage):
        left = Path(job_folder.uri, name, "data", f".tmp-{'0' * 32}-7")
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"half")
        os.utime(left, (0, 0))
    else:
        bucket, _, prefix = job_folder.uri.removeprefix("s3://").partition("/")
        client = Clients(S3Settings()).ours()
        client.create_multipart_upload(Bucket=bucket, Key=f"{prefix}/{name}/big")


def test_clean_removes_what_interrupted_uploads_left_after_asking(
    run: Storage, job_folder: Storage, batchprocess: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_an_upload(job_folder, "one")
    interrupt_an_upload(job_folder, "somebody-elses")
    monkeypatch.setattr("batchprocess.cli.commands.clean.MIN_UPLOAD_AGE", timedelta(seconds=-5))
    refused = batchprocess("clean", job_folder.uri, answer="n\n")
    assert "unfinished uploads: 1, one/" in refused.err
    said = batchprocess("clean", job_folder.uri, answer="y\n")
    assert "removed 0 objects and 1 unfinished upload\n" in said.out
    assert batchprocess("clean", job_folder.uri, "--json").json["uploads"] == []
    assert len(job_folder.leftovers(before=datetime.now(UTC) + timedelta(days=1))) == 1
    assert batchprocess("verify", run.uri).code == 0
