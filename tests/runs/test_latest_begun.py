"""Which run a job's folder means, when a cluster has written no pointer, or an old one is there."""

import logging
from pathlib import Path

import pytest

from batchprocess import results
from batchprocess.protocol.errors import InvalidArgument, StorageDenied
from batchprocess.runs.local_runs import start_run
from batchprocess.storage.base import Storage
from batchprocess.storage.local import LocalStorage
from support.commands import Command
from support.storage.made_run import begin, work

UID = "0b7c7d6e-5b6f-4d2a-9b51-6f0e5d0f4a11"
OTHER_UID = "f3a7c7d6-5b6f-4d2a-9b51-6f0e5d0f4a22"
MONDAY, TUESDAY = "20260105T080000Z", "20260106T080000Z"


def run(job_folder: Storage, name: str, begun: str, shard: int = 0) -> Storage:
    """A run that one worker has begun, by the job of that time."""
    storage = job_folder.at(name)
    begin(storage)
    work(storage, shard, end=1, job=f"{begun}-{name}")
    return storage


@pytest.fixture
def said_aside(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What a terminal would show on stderr beside the command's own words."""
    caplog.set_level(logging.WARNING)
    return caplog


@pytest.mark.parametrize("command", ["status", "results", "verify"])
def test_a_run_of_a_cluster_is_found_by_the_jobs_folder(
    job_folder: Storage,
    batchprocess: Command,
    said_aside: pytest.LogCaptureFixture,
    command: str,
) -> None:
    made = run(job_folder, UID, MONDAY)
    said = batchprocess(command, job_folder.uri, "--json")
    assert (said.code, said.json["uri"]) == (0, made.uri)
    assert [one.rows for one in results(job_folder.uri)] == [(0, 2)]
    assert not said_aside.messages


def test_of_several_the_youngest_is_taken_and_named(
    job_folder: Storage, batchprocess: Command, said_aside: pytest.LogCaptureFixture
) -> None:
    run(job_folder, OTHER_UID, MONDAY)
    run(job_folder, UID, TUESDAY)
    assert batchprocess("status", job_folder.uri, "--json").json["runId"] == UID
    assert said_aside.messages == [
        f"2 runs are at {job_folder.uri}: this is the youngest, {UID}, begun 2026-01-06 08:00:00 "
        "UTC; name a run's folder to see another"
    ]


def test_latest_of_an_older_local_run_does_not_hide_a_younger_one_of_a_cluster(
    job_folder: Storage, batchprocess: Command, said_aside: pytest.LogCaptureFixture
) -> None:
    run(job_folder, f"{MONDAY}-af01", MONDAY)
    start_run(job_folder, f"{MONDAY}-af01")
    run(job_folder, UID, TUESDAY)
    assert batchprocess("status", job_folder.uri, "--json").json["runId"] == UID
    (aside,) = said_aside.messages
    assert aside.endswith(f"UTC; {MONDAY}-af01, which `latest` names, is older")


def test_latest_of_a_younger_local_run_is_taken(job_folder: Storage, batchprocess: Command) -> None:
    run(job_folder, UID, MONDAY)
    run(job_folder, f"{TUESDAY}-af01", TUESDAY)
    start_run(job_folder, f"{TUESDAY}-af01")
    assert batchprocess("status", job_folder.uri, "--json").json["runId"] == f"{TUESDAY}-af01"


def test_latest_decides_between_runs_of_the_same_second(
    job_folder: Storage, batchprocess: Command
) -> None:
    for name in ("a", "b", "c"):
        run(job_folder, name, MONDAY)
    start_run(job_folder, "b")
    assert batchprocess("status", job_folder.uri, "--json").json["runId"] == "b"


def test_a_run_is_as_old_as_its_first_claim_however_long_it_goes_on(
    job_folder: Storage, batchprocess: Command
) -> None:
    old = run(job_folder, "pinned", MONDAY)
    run(job_folder, UID, TUESDAY)
    work(old, 0, job="20260107T080000Z-later")
    assert batchprocess("status", job_folder.uri, "--json").json["runId"] == UID


def test_a_run_whose_first_shard_waits_has_its_age_from_another(
    job_folder: Storage, batchprocess: Command
) -> None:
    run(job_folder, UID, MONDAY)
    run(job_folder, OTHER_UID, TUESDAY, shard=1)
    begin(job_folder.at("no-claim-yet"))
    assert batchprocess("status", job_folder.uri, "--json").json["runId"] == OTHER_UID


def test_a_record_that_nobody_can_read_does_not_hide_the_other_runs(
    job_folder: Storage, batchprocess: Command
) -> None:
    run(job_folder, UID, MONDAY)
    run(job_folder, "broken", TUESDAY).put("ledger/00000/00000001.json", b"no record")
    job_folder.put("worse/run.json", b"{")
    assert batchprocess("status", job_folder.uri, "--json").json["runId"] == UID


def test_latest_that_has_not_begun_gives_way_and_is_named(
    job_folder: Storage, batchprocess: Command, said_aside: pytest.LogCaptureFixture
) -> None:
    start_run(job_folder, f"{TUESDAY}-af01")
    said = batchprocess("status", job_folder.uri)
    assert said.code == 91
    assert said.err == (
        f"error: run {TUESDAY}-af01 at {job_folder.uri} has not begun: no worker has got as far as "
        "its first batch; if none is starting now, run the job again\n"
    )
    run(job_folder, UID, MONDAY)
    assert batchprocess("status", job_folder.uri, "--json").json["runId"] == UID
    (aside,) = said_aside.messages
    assert aside == (
        f"this is run {UID} at {job_folder.uri}, begun 2026-01-05 08:00:00 UTC; "
        f"{TUESDAY}-af01, which `latest` names, has not begun"
    )


def test_where_nothing_is_the_error_says_what_is_there(
    job_folder: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    run(job_folder.at("lin"), UID, MONDAY)
    said = batchprocess("status", job_folder.uri)
    assert said.code == 91
    assert said.err == (
        f"error: no run has begun at {job_folder.uri}: it is neither a run folder nor a job's "
        "folder with runs in it; below it: lin\n"
    )
    with pytest.raises(InvalidArgument, match="no run has begun at .*which does not exist"):
        next(results(str(tmp_path / "nothing")))


def test_a_job_file_finds_the_run_of_a_cluster_too(batchprocess: Command, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(
        "apiVersion: batchprocess.dev/v1alpha1\nkind: BatchProcessJob\nmetadata: {name: lin}\n"
        "spec: {command: [python, x.py], shards: 2, image: registry.example/lin:1}\n"
    )
    folder = LocalStorage(tmp_path / "batchprocess-runs" / "lin")
    said = batchprocess("status", file)
    assert said.code == 91
    assert f"no run has begun at {folder.uri}, which does not exist" in said.err
    made = run(folder, UID, MONDAY)
    assert batchprocess("status", file, "--json").json["uri"] == made.uri


def test_who_may_not_list_still_finds_the_run_that_latest_names(
    tmp_path: Path,
    batchprocess: Command,
    monkeypatch: pytest.MonkeyPatch,
    said_aside: pytest.LogCaptureFixture,
) -> None:
    folder = LocalStorage(tmp_path / "job")
    run(folder, UID, TUESDAY)
    run(folder, "mine", MONDAY)
    start_run(folder, "mine")

    def refuse(*_: object) -> list[str]:
        raise StorageDenied("listing is not allowed")

    monkeypatch.setattr(LocalStorage, "folders", refuse)
    assert batchprocess("status", folder.uri, "--json").json["runId"] == "mine"
    (aside,) = said_aside.messages
    assert aside.endswith("names run mine; others were not looked for: listing is not allowed")
