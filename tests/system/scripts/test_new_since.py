"""Runs over what has come since another, as a person starts them, with a kill in the middle."""

import json
from typing import Any

import pytest

from batchprocess import results
from batchprocess.protocol.environment import S3Settings
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from support.script_runs import Script
from support.storage.s3_server import Server
from support.storage.s3_stores import gateway

__all__ = ["gateway"]
pytestmark = pytest.mark.slow
CODE = """
import os, pathlib
from batchprocess import TorchBatchProcessor

class Saves(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.dies = os.environ.get("DIES")

    def process_batch(self, batch, batch_idx):
        self.context.save("n.jsonl", {"n": batch["n"]})
        if self.dies and batch_idx == 2 and not os.path.exists("died"):
            pathlib.Path("died").touch()
            pathlib.Path(self.dies).write_text('{"n": 99}\\n')
            os.kill(os.getpid(), 9)
"""


def lines(first: int, end: int) -> bytes:
    return b"".join(b'{"n": %d}\n' % n for n in range(first, end))


def saved(uri: str) -> list[int]:
    body = b"".join(one.read() for one in results(uri))
    return [json.loads(line)["n"] for line in body.splitlines()]


def spec(**more: Any) -> dict[str, Any]:
    return {"processor": "rows:Saves", "shards": 2, "batchSize": 2, "checkpointInterval": 1, **more}


def started(job: Script, *options: str, **environ: str) -> dict[str, Any]:
    done = job.batchprocess("run", "job.yaml", "--json", *options, **environ)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_run_over_new_files_goes_on_after_a_kill_and_the_next_follows_it(script: Script) -> None:
    folder = script.folder / "in"
    folder.mkdir()
    script.write("rows.py", CODE)
    script.job(**spec(input={"uri": "in/*.jsonl"}))
    (folder / "b.jsonl").write_bytes(lines(0, 10))
    first = started(script)
    assert saved(first["uri"]) == [*range(10)]
    since = ("--new-since", first["uri"].rpartition("/")[2])
    nothing = script.batchprocess("run", "job.yaml", *since)
    assert nothing.returncode == 91
    assert "nothing is new since run" in nothing.stderr
    # It has not begun, so the latest run is the complete one.
    assert started(script)["uri"] == first["uri"]
    (folder / "a.jsonl").write_bytes(lines(10, 24))
    planned = json.loads(script.batchprocess("plan", "job.yaml", "--json", *since).stdout)
    assert (planned["rows"], planned["input"]["files"]) == (14, 1)
    # It dies in its third batch, and a file comes at that moment.
    second = started(script, *since, DIES="in/0.jsonl")
    assert (script.folder / "died").exists()
    assert second["uri"] != first["uri"]
    assert saved(second["uri"]) == [*range(10, 24)]
    again = script.batchprocess("run", "job.yaml", *since)
    assert again.returncode == 0, again.stderr
    assert "is complete" in again.stderr
    assert "1 input file that the run has not listed" in again.stderr
    other = script.batchprocess("run", "job.yaml", "--new-since", "another")
    assert other.returncode == 91, "old results are not what is new since another"
    assert "asks for what is new since another: give it as it was" in other.stderr
    third = started(script, "--new-since", second["uri"])
    assert saved(third["uri"]) == [99]
    assert saved(first["uri"]) == [*range(10)]


def test_in_a_bucket_the_run_is_known_by_its_address(
    script: Script, gateway: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in gateway.env().items():
        monkeypatch.setenv(name, value)
    s3 = {"endpoint": gateway.endpoint, "region": "us-east-1", "addressing": "path"}
    bucket: Storage = open_storage(f"s3://{gateway.bucket}/new-since", S3Settings(**s3))
    script.write("rows.py", CODE)
    files = {"uri": f"s3://{gateway.bucket}/new-since/in/"}
    output = {"uri": f"{bucket.uri}/out", "s3": s3}
    script.job(**spec(input=files | {"format": "jsonl"}, output=output))
    bucket.put("in/b.jsonl", lines(0, 6))
    first = started(script)
    bucket.put("in/a.jsonl", lines(6, 20))
    # Another job's folder: what it is called there says nothing here.
    other = output | {"uri": f"{bucket.uri}/other"}
    new = files | {"format": "jsonl", "newSince": first["uri"]}
    script.job(**spec(input=new, output=other))
    second = started(script, DIES="unseen")
    assert (script.folder / "died").exists()
    verified = script.batchprocess("verify", "job.yaml")
    assert verified.returncode == 0, verified.stderr
    assert (second["rows"], second["state"], second["attempts"]) == (14, "complete", 3)


def test_a_job_without_input_has_nothing_that_could_be_new(script: Script) -> None:
    script.job(command=["python", "x.py"])
    done = script.batchprocess("run", "job.yaml", "--new-since", "x")
    assert done.returncode == 2
    assert "has no spec.input" in done.stderr
