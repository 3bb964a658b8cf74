"""status, results, verify and clean, on folders that the ledger's own code has made."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batchprocess import results
from batchprocess.cli.commands.results import save
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import StorageDenied, VerificationError
from batchprocess.protocol.records import CommittedFile, digest, failure_key
from batchprocess.runs.local_runs import start_run
from batchprocess.runs.results import Result
from batchprocess.storage.base import Storage, StoredObject
from batchprocess.storage.local import LocalStorage
from batchprocess.storage.s3_client import make_client
from support.commands import Command
from support.storage.made_run import begin, complete, work

OLD = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def run(job_folder: Storage) -> Storage:
    """A complete run, the latest of its job."""
    complete(job_folder.at("one"))
    start_run(job_folder, "one")
    return job_folder.at("one")


@pytest.fixture
def going(job_folder: Storage) -> Storage:
    """A run that is still going: shard 0 is sealed, shard 1 has one batch of two."""
    storage = job_folder.at("two")
    begin(storage)
    work(storage, 0)
    work(storage, 1, end=1)
    start_run(job_folder, "two")
    return storage


def test_status_of_a_complete_run(run: Storage, batchprocess: Command) -> None:
    said = batchprocess("status", run.uri, "--json")
    assert said.code == 0
    assert (said.json["state"], said.json["runId"]) == ("complete", "one")
    assert said.json["batches"] == {"done": 5, "total": 5}
    assert [one["state"] for one in said.json["shards"]] == ["complete", "complete"]
    assert (said.json["summary"]["rows"], said.json["summary"]["files"]) == (10, 5)
    assert said.json["spent"] == {"data": 60.0, "device": 100.0, "user": 40.0, "storage": 0.0}
    assert said.json["advice"].startswith("30% of the time went into waiting for data")


def test_status_of_a_run_still_going_by_its_job_folder(
    going: Storage, job_folder: Storage, batchprocess: Command
) -> None:
    said = batchprocess("status", job_folder.uri)
    assert said.code == 0
    assert "state: incomplete" in said.out
    assert "batches: 4/5" in said.out
    assert "time: data 30%, device 50%, user code 20%, storage 0%" in said.out
    assert (
        "advice: 30% of the time went into waiting for data: set or raise dataloader." in said.out
    )
    assert said.out.splitlines()[-2:] == [
        "    0       3/3        complete",
        "    1       1/2        open",
    ]


CLASSES = "processor: 'm:P', dataset: 'm:d'"
SCRIPT = "command: [python, m.py]"


@pytest.mark.parametrize(
    ("spec", "advice"),
    [
        (CLASSES, "set dataloader.numWorkers; now the loop itself reads every row"),
        (f"{SCRIPT}, dataloader: {{numWorkers: 0}}", "set dataloader.numWorkers; now the loop its"),
        (f"{SCRIPT}, dataloader: {{numWorkers: 3}}", "raise dataloader.numWorkers from 3, or"),
        (SCRIPT, "set or raise dataloader.numWorkers, or"),  # the script may say how many
    ],
)
def test_the_advice_knows_what_the_job_file_says_of_loader_processes(
    tmp_path: Path, batchprocess: Command, spec: str, advice: str
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(
        "apiVersion: batchprocess.dev/v1alpha1\nkind: BatchProcessJob\nmetadata: {name: lin}\n"
        f"spec: {{{spec}, shards: 2, batchSize: 2}}\n"
    )
    folder = LocalStorage(tmp_path / "batchprocess-runs" / "lin")
    complete(folder.at("one"))
    start_run(folder, "one")
    told = f"30% of the time went into waiting for data: {advice}"
    assert f"advice: {told}" in batchprocess("status", file).out
    assert batchprocess("status", file, "--json").json["advice"].startswith(told)


def note(going: Storage, batch: int, body: object, nonce: str = "ab") -> None:
    """As an attempt on shard 1 that user code has ended leaves it; the newest is made last."""
    going.put(failure_key(1, batch, nonce), json.dumps(body).encode())


def test_status_tells_the_last_failure_seen_of_a_shard_that_is_open(
    going: Storage, batchprocess: Command
) -> None:
    note(going, 0, {"error": "long overcome"})
    assert "failure" not in batchprocess("status", going.uri).out
    note(going, 1, {"error": "process_batch raised\nValueError: no such row (batch 1 of shard 1)"})
    shards = batchprocess("status", going.uri, "--json").json["shards"]
    assert shards[0]["lastFailure"] is None
    assert (shards[1]["state"], shards[1]["lastFailure"]["batch"]) == ("open", 1)
    sentence = "process_batch raised ValueError: no such row (batch 1 of shard 1)"
    assert shards[1]["lastFailure"]["error"] == sentence
    assert datetime.now(UTC) - datetime.fromisoformat(shards[1]["lastFailure"]["at"]) < timedelta(1)
    *_, heading, line = batchprocess("status", going.uri).out.splitlines()
    assert heading == "last failures seen (a worker may be at these shards again):"
    assert line.split()[0] == "1"
    assert line.endswith(f" UTC: {sentence}")
    work(going, 1)
    assert "failure" not in batchprocess("status", going.uri).out


def test_of_several_failures_the_one_seen_last_is_told(
    tmp_path: Path, batchprocess: Command
) -> None:
    storage = LocalStorage(tmp_path / "run")
    begin(storage)
    work(storage, 1, end=1)
    for nonce, age in (("00", 10), ("ff", 20), ("77", 30)):
        note(storage, 1, {"error": f"{age} seconds ago"}, nonce)
        when = time.time() - age
        os.utime(tmp_path / "run" / failure_key(1, 1, nonce), (when, when))
    assert "10 seconds ago" in batchprocess("status", storage.uri).out
    note(storage, 1, ["no", "note"], "cc")
    assert "10 seconds ago" in batchprocess("status", storage.uri).out


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"error": 7}', b"[" * 50_000, b" " * 70_000]
)
def test_a_note_that_nobody_can_read_fails_no_status(
    going: Storage, batchprocess: Command, body: bytes
) -> None:
    going.put(failure_key(1, 1, "ab"), body)
    going.put("ledger/00001/failed-x.json", b"")
    said = batchprocess("status", going.uri)
    assert (said.code, "failure" in said.out) == (0, False)


def test_who_may_not_list_sees_the_status_all_the_same(
    tmp_path: Path, batchprocess: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path / "run")
    begin(storage)
    work(storage, 1, end=1)

    def refuse(*_: object) -> list[StoredObject]:
        raise StorageDenied("listing is not allowed")

    monkeypatch.setattr(LocalStorage, "list", refuse)
    assert batchprocess("status", storage.uri).code == 0


def test_results_are_listed_in_dataset_order_and_downloaded(
    going: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    said = batchprocess("results", going.uri, "--json", "--download", tmp_path / "to")
    assert [one["rows"] for one in said.json["files"]] == [[0, 2], [2, 4], [4, 6], [6, 8]]
    for one in said.json["files"]:
        place = f"{one['shard']:05d}/{one['seq']:08d}/{one['name']}"
        assert (tmp_path / "to" / place).is_file()
    files = sorted((tmp_path / "to").rglob("*"))
    text = "".join(path.read_text() for path in files if path.is_file())
    assert text.split() == [str(row) for row in range(8)]
    assert "".join(one.read().decode() for one in results(going.uri)) == text
    assert len(batchprocess("results", going.uri).out.splitlines()) == 4


def test_results_say_what_cannot_be_downloaded(
    run: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said = batchprocess("results", run.uri, "--download", tmp_path / "file" / "x")
    assert said.code == 91
    assert "cannot be written: Not a directory" in said.err
    run.put(data_key(run), b"0\n9\n")
    said = batchprocess("results", run.uri, "--download", tmp_path / "to")
    assert said.code == 93
    assert "was changed: its digest is not the one in the ledger" in said.err
    assert not [path for path in (tmp_path / "to").rglob("*") if path.is_file()]
    run.delete(data_key(run))
    said = batchprocess("results", run.uri, "--download", tmp_path / "to")
    assert said.code == 93
    assert "is missing; see batchprocess verify" in said.err


def test_a_name_that_was_tampered_with_cannot_leave_the_folder(
    run: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    changed = run.get(record(2)).replace(b'"rows.txt"', b'"../../../x"')
    run.put(record(2), changed)
    said = batchprocess("results", run.uri, "--download", tmp_path / "to" / "here")
    assert said.code == 93
    assert "'../../../x' would leave" in said.err
    assert not (tmp_path / "x").exists()


def test_a_name_of_255_bytes_and_one_like_a_temporary_are_downloaded(
    batchprocess: Command, tmp_path: Path
) -> None:
    storage = LocalStorage(tmp_path / "run")
    for name in ("n" * 255, "n.partial", "n"):
        storage.put(f"data/{name}", name.encode())
        file = CommittedFile(
            name=name, key=f"data/{name}", size=len(name), sha256=digest(name.encode())
        )
        got = save(Result(0, 2, (0, 1), (0, 1), file, storage), tmp_path / "to")
        assert got.read_bytes() == name.encode()
    assert len(list((tmp_path / "to" / "00000" / "00000002").iterdir())) == 3


def test_a_terminal_that_cannot_show_a_name_shows_it_escaped(tmp_path: Path) -> None:
    complete(LocalStorage(tmp_path / "ünï"))
    ascii_only = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [Path(sys.executable).parent / "batchprocess", "status", tmp_path / "ünï"],
        env={**os.environ, **ascii_only},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\udcc3" in done.stdout


def test_verify_passes_what_is_whole(run: Storage, going: Storage, batchprocess: Command) -> None:
    for storage in (run, going):
        said = batchprocess("verify", storage.uri, "--json")
        assert (said.code, said.json["problems"]) == (0, [])
    assert batchprocess("verify", run.uri).out == "5 files, 2 shards, 0 problems\n"
    said = batchprocess("verify", going.uri)
    assert said.out == "4 files, 2 shards, 0 problems so far; the run is not complete\n"


def data_key(run: Storage) -> str:
    return next(item.key for item in run.list("data/00000/"))


def record(number: int) -> str:
    return f"ledger/00000/{number:08d}.json"


TAMPERING = {
    "changed bytes": (lambda run: run.put(data_key(run), b"0\n9\n"), "was changed: its digest"),
    "cut file": (lambda run: run.put(data_key(run), b"0"), "with 4 bytes, but it has 1"),
    "lost file": (lambda run: run.delete(data_key(run)), "which is missing"),
    "lost record": (lambda run: run.delete(record(3)), "differs from what the ledgers say"),
    "rewritten record": (
        lambda run: run.put(record(2), run.get(record(2)).replace(b"rows.txt", b"rowz.txt")),
        "was not built on the record that stands below it",
    ),
    "lost manifest": (lambda run: run.delete("manifest.jsonl"), "manifest.jsonl is missing"),
    "other manifest": (lambda run: run.put("manifest.jsonl", b""), "differs from what"),
    "lost summary": (lambda run: run.delete("summary.json"), "summary.json is missing"),
    "broken summary": (lambda run: run.put("summary.json", b"{"), "summary.json cannot be read"),
    "other summary": (
        lambda run: run.put(
            "summary.json", run.get("summary.json").replace(b'"rows": 10', b'"rows": 11')
        ),
        "summary.json says 11 rows, the ledgers 10",
    ),
    "broken success": (lambda run: run.put("_SUCCESS", b"{"), "Invalid JSON"),
    "other success": (
        lambda run: run.put("_SUCCESS", b'{"manifest":"' + b"0" * 64 + b'"}'),
        "_SUCCESS names another manifest",
    ),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_verify_finds_tampering(run: Storage, batchprocess: Command, kind: str) -> None:
    change, sentence = TAMPERING[kind]
    change(run)
    said = batchprocess("verify", run.uri)
    assert said.code == 93, said
    assert sentence in said.out


def test_a_record_that_is_none_is_named(run: Storage, batchprocess: Command) -> None:
    run.put(record(2), b"not json")
    said = batchprocess("verify", run.uri)
    assert said.code == 93
    assert "ledger/00000/00000002.json" in said.err


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


def interrupt_an_upload(job_folder: Storage, name: str) -> None:
    """As a writer that is killed leaves it, long ago."""
    if isinstance(job_folder, LocalStorage):
        left = Path(job_folder.uri, name, "data", f".tmp-{'0' * 32}-7")
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"half")
        os.utime(left, (0, 0))
    else:
        bucket, _, prefix = job_folder.uri.removeprefix("s3://").partition("/")
        make_client(S3Settings()).create_multipart_upload(Bucket=bucket, Key=f"{prefix}/{name}/big")


def test_clean_removes_what_interrupted_uploads_left_after_asking(
    run: Storage, job_folder: Storage, batchprocess: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_an_upload(job_folder, "one")
    interrupt_an_upload(job_folder, "somebody-elses")
    monkeypatch.setattr("batchprocess.cli.commands.clean._UPLOAD_AGE", timedelta(seconds=-5))
    refused = batchprocess("clean", job_folder.uri, answer="n\n")
    assert "unfinished uploads: 1, one/" in refused.err
    said = batchprocess("clean", job_folder.uri, answer="y\n")
    assert "removed 0 objects and 1 unfinished upload\n" in said.out
    assert batchprocess("clean", job_folder.uri, "--json").json["uploads"] == []
    assert len(job_folder.leftovers(before=datetime.now(UTC) + timedelta(days=1))) == 1
    assert batchprocess("verify", run.uri).code == 0


def test_results_list_addresses_and_miss_no_record_of_a_complete_run(
    run: Storage, job_folder: Storage, batchprocess: Command
) -> None:
    for line in batchprocess("results", run.uri).out.splitlines():
        assert line.split()[-1].startswith(f"{run.uri}/data/")
    assert [one.rows for one in results(job_folder.uri)][-1] == (8, 10)
    run.delete(record(4))
    said = batchprocess("results", run.uri)
    assert said.code == 93
    assert "the ledger of shard 0 ends at record 3 without a seal" in said.err
    with pytest.raises(VerificationError):
        list(results(run.uri))


def test_a_run_json_that_is_broken_is_told_in_a_sentence(
    run: Storage, batchprocess: Command
) -> None:
    run.put("run.json", b'{"rows": "many"}')
    said = batchprocess("status", run.uri)
    assert said.code == 93
    assert said.err.startswith("error: run.json cannot be read: rows: Input should be a valid int")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["status", "results", "verify", "clean", "run", "plan"])
def test_what_does_not_exist_is_a_usage_error(batchprocess: Command, command: str) -> None:
    said = batchprocess(command, "nothing.yaml")
    assert said.code == 2
    assert "Error: nothing.yaml does not exist" in said.err


@pytest.mark.parametrize("command", ["status", "results", "verify"])
def test_a_folder_without_a_run_is_told(
    job_folder: Storage, batchprocess: Command, command: str
) -> None:
    job_folder.put("notes.txt", b"mine")
    said = batchprocess(command, job_folder.uri)
    assert said.code == 91
    assert "neither a run folder nor a job's folder" in said.err


def test_an_unreachable_store_is_told_in_a_sentence(
    batchprocess: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from batchprocess.runs import perform

    monkeypatch.setattr(perform.ATTENDED.__class__, "deadline_seconds", 0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    said = batchprocess("status", "s3://bucket/run")
    assert said.code == 88
    assert said.err.startswith("error: storage has failed")
    assert "Traceback" not in said.err


def test_a_reader_that_has_seen_enough_ends_a_command_quietly(tmp_path: Path) -> None:
    complete(LocalStorage(tmp_path / "run"))
    reader, writer = os.pipe()
    os.close(reader)
    for command in ("status", "results"):
        done = subprocess.run(
            [Path(sys.executable).parent / "batchprocess", command, tmp_path / "run"],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert (done.returncode, done.stderr) == (141, b"")
    os.close(writer)
