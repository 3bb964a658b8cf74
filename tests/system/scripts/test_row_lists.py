"""Runs over some rows: the bad ones of another run, or all but those left out by hand."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from batchprocess import results
from batchprocess.protocol.environment import S3Settings
from batchprocess.storage.factory import open_storage
from support.script_runs import Script
from support.storage.s3_server import Server
from support.storage.s3_stores import gateway

__all__ = ["gateway"]
pytestmark = pytest.mark.slow
ROWS = 120
BAD = [*range(3, 120, 4)]
"""Of these some are not mended at first."""
STILL = [7, 63, 99]
CODE = """
import os, pathlib, time
import torch
from torch.utils.data import Dataset
from batchprocess import TorchBatchProcessor

BAD, STILL = set(range(3, 120, 4)), {7, 63, 99}

class Rows(Dataset):
    fingerprint = "rows-1"

    def __len__(self):
        return 120

    def row_ids(self, rows):
        return [f"n{row}" for row in rows]

    def __getitem__(self, row):
        state = pathlib.Path("state").read_text()
        if row in {"all": BAD, "some": STILL, "none": set()}[state]:
            raise ValueError(f"row {row} is broken")
        if row == 50 and pathlib.Path("kills").exists():
            os.kill(os.getpid(), 9)
        return torch.tensor(row)

class Together(Rows):
    def __getitems__(self, rows):
        return [self[row] for row in rows]

def plain():
    return Rows()

def together():
    return Together()

class Save(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        time.sleep(float(os.environ.get("SLOW", "0")))
        self.context.save("rows.jsonl", {"value": batch, "rows": list(self.context.rows)})
"""


def write(script: Script, dataset: str, loaders: int = 0, **more: Any) -> None:
    script.write("rows_job.py", CODE)
    spec = {"processor": "rows_job:Save", "dataset": f"rows_job:{dataset}", "shards": 2}
    spec |= {"batchSize": 3, "checkpointInterval": 2, "dataloader": {"numWorkers": loaders}}
    policy = {"onBadRow": "skip", "maxBadRows": 60, "maxRetriesPerShard": 1}
    script.job(**spec | {"failurePolicy": policy} | more)


def run(script: Script, *options: str, **environ: str) -> dict[str, Any]:
    done = script.batchprocess("run", "job.yaml", "--json", *options, **environ)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def saved(uri: str) -> list[dict[str, Any]]:
    body = b"".join(one.read() for one in results(uri))
    return [json.loads(line) for line in body.splitlines()]


def errors(script: Script, uri: str) -> list[tuple[int, Any, str]]:
    listed = script.batchprocess("results", uri, "--errors", "--json")
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)["badRows"]
    return [(one["row"], one["id"], one["stage"]) for one in found]


def require_verified(script: Script, uri: str) -> None:
    done = script.batchprocess("verify", uri)
    assert done.returncode == 0, done.stdout


def row(number: int) -> dict[str, Any]:
    return {"id": f"n{number}", "row": number, "value": number, "rows": number}


def killed(script: Script, *options: str) -> None:
    """Begin a run, or go on with one, and kill it with all its processes behind a commit."""
    command = [str(Path(sys.executable).parent / "batchprocess"), "run", "job.yaml", *options]
    before = commits(script)
    process = subprocess.Popen(
        command,
        cwd=script.folder,
        start_new_session=True,
        env={**os.environ, "SLOW": "0.3"},
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and commits(script) == before:
        time.sleep(0.02)
    assert process.returncode is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def commits(script: Script) -> int:
    found = script.folder.glob("batchprocess-runs/job/*/ledger/*/0*.json")
    return sum(json.loads(path.read_bytes())["type"] == "commit" for path in found)


@pytest.mark.parametrize(("dataset", "loaders"), [("plain", 0), ("together", 2)])
def test_a_run_over_bad_rows_is_killed_and_has_the_rows_and_ids_of_the_dataset(
    script: Script, dataset: str, loaders: int
) -> None:
    write(script, dataset, loaders)
    script.write("state", "all")
    first = run(script)
    assert (first["rows"], first["badRows"]) == (ROWS, len(BAD))
    script.write("state", "some")
    options = ("--bad-rows-of", first["uri"].rpartition("/")[2])
    planned = json.loads(script.batchprocess("plan", "job.yaml", "--json", *options).stdout)
    assert (planned["rows"], planned["datasetRows"], planned["batches"]) == (len(BAD), ROWS, 10)
    killed(script, *options)
    killed(script, *options)
    # What the first attempt has kept is the list: the other run is asked no more.
    shutil.move(first["uri"].removeprefix("file://"), script.folder / "moved")
    second = run(script, *options)
    shutil.move(script.folder / "moved", first["uri"].removeprefix("file://"))
    assert second["uri"] != first["uri"]
    assert saved(second["uri"]) == [row(one) for one in BAD if one not in STILL]
    assert errors(script, second["uri"]) == [(one, f"n{one}", "reading") for one in STILL]
    assert (second["rows"], second["badRows"]) == (len(BAD), len(STILL))
    require_verified(script, second["uri"])
    # Rows stay those of the dataset where the run before was over some of them.
    script.write("state", "none")
    third = run(script, "--bad-rows-of", second["uri"].rpartition("/")[2])
    assert saved(third["uri"]) == [row(one) for one in STILL]
    require_verified(script, third["uri"])
    told = script.batchprocess("status", third["uri"]).stdout
    assert f"over: the rows that run {second['uri'].rpartition('/')[2]} has left out" in told
    nothing = script.batchprocess(
        "run", "job.yaml", "--bad-rows-of", third["uri"].rpartition("/")[2]
    )
    assert nothing.returncode == 91
    assert "has left out no row: there is nothing to do" in nothing.stderr


def test_a_row_that_kills_its_process_is_left_out_by_hand_in_the_run_that_died(
    script: Script,
) -> None:
    write(script, "plain")
    script.write("state", "none")
    script.write("kills", "")
    died = script.batchprocess("run", "job.yaml", "--json")
    assert died.returncode == 137
    script.write("rows.txt", "# ends the process\n50\n\n51  # its neighbour\n4\n")
    more = run(script, "--skip-rows", "rows.txt")
    assert more["uri"] == json.loads(died.stdout)["uri"]
    # Row 4 was committed before anybody asked.
    assert errors(script, more["uri"]) == [(50, None, "skipped"), (51, None, "skipped")]
    assert saved(more["uri"]) == [row(one) for one in range(ROWS) if one not in (50, 51)]
    assert (more["rows"], more["badRows"], more["skippedRows"]) == (ROWS, 0, 2)
    assert "left out by hand: 2 rows" in script.batchprocess("status", "job.yaml").stdout
    require_verified(script, more["uri"])
    # Whoever goes on from that run has these rows too, and leaves one out again.
    (script.folder / "kills").unlink()
    script.write("rows.txt", "51\n")
    rest = run(script, "--bad-rows-of", more["uri"].rpartition("/")[2], "--skip-rows", "rows.txt")
    assert saved(rest["uri"]) == [row(50)]
    assert errors(script, rest["uri"]) == [(51, None, "skipped")]
    require_verified(script, rest["uri"])


def test_batches_of_which_nothing_is_left_and_rows_that_fail_are_left_out_side_by_side(
    script: Script,
) -> None:
    rows = [*range(9), 60, 61, 62, 118]
    write(script, "together", 2, rows={"skip": rows})
    script.write("state", "some")
    script.write("kills", "")
    killed(script)
    (script.folder / "kills").unlink()
    found = run(script)
    expected = [(one, None, "skipped") for one in rows]
    expected += [(one, f"n{one}", "reading") for one in STILL if one not in rows]
    assert errors(script, found["uri"]) == sorted(expected)
    left = [one for one in range(ROWS) if one not in {*rows, *STILL}]
    assert saved(found["uri"]) == [row(one) for one in left]
    require_verified(script, found["uri"])


COUNTS = """
from batchprocess import TorchBatchProcessor

class Counts(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.rows = context.wrap_reducer(lambda found: sorted(found), name="rows")

    def process_batch(self, batch, batch_idx):
        for row in self.context.rows:
            self.rows.update(row)
            if row in (27, 31, 75):
                raise ValueError(f"row {row} is not wanted")
"""


def test_rows_that_other_processes_find_to_be_bad_are_rows_of_the_dataset(script: Script) -> None:
    write(script, "plain")
    script.write("state", "all")
    first = run(script)
    script.write("state", "none")
    # What reducers know of a batch can be undone only with the process.
    script.write("counts.py", COUNTS)
    skip = [3, 7, 11, 43]
    rows = {"badRowsOf": first["uri"].rpartition("/")[2], "skip": skip}
    write(script, "plain", processor="counts:Counts", rows=rows)
    found = run(script)
    bad = [27, 31, 75]
    named = [(one, f"n{one}", "process_batch") for one in bad]
    named += [(one, None, "skipped") for one in skip]
    assert errors(script, found["uri"]) == sorted(named)
    assert found["metrics"]["rows"] == [one for one in BAD if one not in {*bad, *skip}]
    require_verified(script, found["uri"])


def test_what_would_be_other_rows_is_refused(script: Script) -> None:
    write(script, "plain")
    script.write("state", "some")
    first = run(script)
    since = ("--bad-rows-of", first["uri"].rpartition("/")[2])

    def refused(*options: str) -> str:
        done = script.batchprocess("run", "job.yaml", *options)
        assert done.returncode == 91, done.stderr
        return done.stderr

    assert "line 2 is '1.5' and must be the number of a row" in _with_file(
        script, refused, "1\n1.5"
    )
    assert "the dataset has no row 120" in _with_file(script, refused, "120\n", "--fresh")
    assert "does not exist" in refused("--bad-rows-of", "nowhere", "--fresh")
    script.write("rows_job.py", CODE.replace('"rows-1"', '"rows-2"'))
    assert "the dataset is not the one of run" in refused(*since, "--fresh")
    script.write("rows_job.py", CODE.replace("return 120", "return 121"))
    assert "the dataset has 121 rows, and that of run" in refused(*since, "--fresh")
    write(script, "plain", maxBatches=1)
    bounded = run(script, "--fresh")
    assert "had maxBatches 1" in refused(
        "--bad-rows-of", bounded["uri"].rpartition("/")[2], "--fresh"
    )
    write(script, "plain")
    second = run(script, *since, "--fresh")
    assert "rows.badRowsOf is not set, but this run was started with" in refused()
    assert saved(second["uri"]) == []


def _with_file(script: Script, refused: Any, text: str, *options: str) -> str:
    script.write("rows.txt", text)
    told: str = refused("--skip-rows", "rows.txt", *options)
    return told


READER = """
from batchprocess import TorchBatchProcessor

class Save(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        import pathlib
        for position, n in enumerate(batch["n"]):
            if int(n) % 5 == 2 and not pathlib.Path("mended").exists():
                self.context.fail(position, f"{n} is not wanted yet")
        left = [int(n) for n in batch["n"] if int(n) % 5 != 2 or pathlib.Path("mended").exists()]
        if left:
            self.context.save("n.jsonl", {"n": left})
"""


def test_of_files_in_a_bucket_those_are_read_that_the_other_run_has_listed(
    script: Script, gateway: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in gateway.env().items():
        monkeypatch.setenv(name, value)
    s3 = {"endpoint": gateway.endpoint, "addressing": "path"}
    bucket = open_storage(f"s3://{gateway.bucket}/row-lists", S3Settings(**s3))
    bucket.put("in/b.jsonl", b"".join(b'{"n": %d}\n' % n for n in range(20)))
    script.write("rows.py", READER)
    spec = {
        "processor": "rows:Save",
        "input": {"uri": f"s3://{gateway.bucket}/row-lists/in/", "format": "jsonl"},
        "output": {"uri": f"s3://{gateway.bucket}/row-lists/out", "s3": s3},
        "shards": 2,
        "batchSize": 4,
        "failurePolicy": {"onBadRow": "skip", "maxBadRows": 10},
    }
    script.job(**spec)
    first = run(script)
    # Has come since, and would move all rows.
    bucket.put("in/a.jsonl", b'{"n": 99}\n')
    script.write("mended", "")
    script.job(**spec, rows={"badRowsOf": first["uri"]})
    planned = json.loads(script.batchprocess("plan", "job.yaml", "--json").stdout)
    assert (planned["rows"], planned["datasetRows"]) == (4, 20)
    second = run(script, "--fresh")
    found = [json.loads(line) for one in _files(second["uri"], s3) for line in one.splitlines()]
    assert [one["n"] for one in found] == [2, 7, 12, 17]
    assert [one["row"] for one in found] == [2, 7, 12, 17]
    assert [one["id"] for one in found] == [f"row-lists/in/b.jsonl:{n}" for n in (2, 7, 12, 17)]
    require_verified(script, "job.yaml")


def _files(uri: str, s3: dict[str, Any]) -> list[bytes]:
    return [one.read() for one in results(uri, S3Settings(**s3))]
