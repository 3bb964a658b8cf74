"""`batchprocess status`, on folders that the ledger's own code has made."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batchprocess.protocol.errors import StorageDenied
from batchprocess.protocol.file_names import failure_key
from batchprocess.runs.local_runs import start_run
from batchprocess.storage.base import Storage, StoredObject
from batchprocess.storage.local import LocalStorage
from support.commands import Command
from support.storage.made_run import begin, complete, work


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


def test_a_run_json_that_is_broken_is_told_in_a_sentence(
    run: Storage, batchprocess: Command
) -> None:
    run.put("run.json", b'{"rows": "many"}')
    said = batchprocess("status", run.uri)
    assert said.code == 93
    assert said.err.startswith("error: run.json cannot be read: rows: Input should be a valid int")
    assert len(said.err.splitlines()) == 1
