"""Jobs over files: a reader is the whole dataset, in a folder and on a real S3 server."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchprocess import results
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from data.index.formats.test_tar_samples import packed
from support.script_runs import Script
from support.storage.s3_stores import gateway, job_folder
from support.zygote.processes import forked

__all__ = ["gateway", "job_folder"]
pytestmark = pytest.mark.slow

JOB = """
import os, sys, time
from batchprocess import TorchBatchProcessor, data, torch_batch_process

class Lengths(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        open("begun", "w").close()
        time.sleep(float(os.environ.get("SECONDS", 0)))
        lengths = [len(text) for text in batch["text" if "text" in batch else "txt"]]
        numbers = batch["number"]
        if isinstance(numbers[0], bytes):
            numbers = [number.decode() for number in numbers]
        self.context.save("out.jsonl", {"length": lengths, "number": numbers})

reader = getattr(data, sys.argv[1])(sys.argv[2])
torch_batch_process(Lengths, reader, batch_size=8, checkpoint_interval=2,
                    dataloader_kwargs={"num_workers": 2})
"""


def rows() -> list[dict[str, Any]]:
    return [{"text": "x" * (n % 50), "number": n} for n in range(300)]


def fill(place: Storage, tmp_path: Path) -> None:
    for number in range(3):
        some = rows()[100 * number : 100 * (number + 1)]
        lines = "".join(json.dumps(row) + "\n" for row in some)
        place.put(f"lines/{number}.jsonl", lines.encode())
        place.put(f"packed/{number}.jsonl.gz", gzip.compress(lines.encode()))
        records = "".join(f'"{row["text"]}",{row["number"]}\n' for row in some)
        place.put(f"records/{number}.csv", f"text,number\n{records}".encode())
        members = [
            (f"{row['number']}.{end}", str(row[column]).encode())
            for row in some
            for end, column in [("txt", "text"), ("number", "number")]
        ]
        place.put(f"samples/{number}.tar", packed(members))
        pq.write_table(pa.Table.from_pylist(some), tmp_path / "table", row_group_size=30)
        place.put(f"tables/{number}.parquet", (tmp_path / "table").read_bytes())


def found(script: Script) -> list[dict[str, Any]]:
    (run,) = {path.parents[1] for path in script.folder.glob("*/*/*/ledger/00000")}
    lines = b"".join(one.read() for one in results(str(run))).splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("kind", "below"),
    [
        ("jsonl", "lines/"),
        ("jsonl", "packed/"),
        ("csv", "records/"),
        ("tar", "samples/"),
        ("parquet", "tables/*.parquet"),
    ],
)
def test_all_rows_come_once_and_in_order_though_the_script_was_killed_and_a_file_came(
    script: Script, job_folder: Storage, tmp_path: Path, kind: str, below: str
) -> None:
    fill(job_folder, tmp_path)
    script.write("job.py", JOB)
    command = [sys.executable, "job.py", kind, f"{job_folder.uri}/{below}"]
    with forked():
        process = subprocess.Popen(command, cwd=script.folder, env={**os.environ, "SECONDS": "0.2"})
    while not (script.folder / "begun").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for name in ("lines/0.jsonl", "records/0.csv", "tables/0.parquet"):
        content = job_folder.get(name)
        assert content is not None
        job_folder.put(name.replace("0", "00"), content)
    done = script.python(*command[1:])
    assert done.returncode == 0, done.stderr
    assert "goes on" in done.stderr
    expected = [
        {
            "row": row["number"],
            "length": len(row["text"]),
            "number": str(row["number"]) if kind in ("csv", "tar") else row["number"],
        }
        for row in rows()
    ]
    lines = found(script)
    ids = [line.pop("id") for line in lines]
    assert lines == expected
    assert [name.rpartition(":")[2] for name in ids] == [str(n % 100) for n in range(300)]
    assert len(set(ids)) == 300


def test_a_bad_row_is_named_with_its_file(script: Script) -> None:
    script.write("job.py", JOB)
    good = '{"text": "a", "number": 1}\n'
    script.write("in.jsonl", good * 12 + '{"text": \n' + good)
    done = script.python("job.py", "jsonl", "in.jsonl")
    assert done.returncode == 1
    assert "in.jsonl: row 12 is no JSON" in done.stderr


def test_a_file_that_has_changed_since_the_run_began_is_named(script: Script) -> None:
    script.write("job.py", JOB)
    good = '{"text": "a", "number": 1}\n'
    script.write("in.jsonl", good * 12 + '{"text": 5, "number": 1}\n')
    assert script.python("job.py", "jsonl", "in.jsonl").returncode == 1
    script.write("in.jsonl", good * 13)
    done = script.python("job.py", "jsonl", "in.jsonl")
    assert done.returncode == 1
    assert "in.jsonl has 351 bytes, and had 349 when it was listed" in done.stderr
    assert "start another run" in done.stderr


def test_a_run_of_several_shards_lists_once_and_goes_on_with_that(
    script: Script, job_folder: Storage, tmp_path: Path
) -> None:
    fill(job_folder, tmp_path)
    script.write("code.py", PROCESSOR)
    uri = f"{job_folder.uri}/lines/*.jsonl"
    script.job(
        processor="code:Lengths",
        input={"uri": uri, "columns": ["text"]},
        shards=4,
        parallelism=2,
        batchSize=16,
    )
    done = script.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert len(found(script)) == 300
    content = job_folder.get("lines/0.jsonl")
    assert content is not None
    job_folder.put("lines/9.jsonl", content)
    again = script.batchprocess("run", "job.yaml")
    assert again.returncode == 0
    assert again.stderr.count("warning") == 1
    assert "warning: 1 input file that the run has not listed" in again.stderr
    planned = script.batchprocess("plan", "job.yaml")
    assert "would not go on" not in planned.stdout + planned.stderr
    assert "rows: 400" in planned.stdout
    assert f"the first: {job_folder.uri}/lines/9.jsonl" in planned.stdout
    listed = [path.name for path in script.folder.glob("*/*/*/inputs/*/*.json*")]
    assert sorted(listed)[0] == "listing.json"
    assert all(name.startswith("objects-") for name in sorted(listed)[1:])


def test_a_source_that_is_not_there_is_one_sentence(script: Script) -> None:
    script.write("job.py", JOB)
    done = script.python("job.py", "jsonl", "nowhere.jsonl")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "source ./nowhere.jsonl does not exist: is it mounted, and spelled right?"
    )


PROCESSOR = """
from batchprocess import TorchBatchProcessor

class Lengths(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        assert list(batch) == ["text"], batch
        self.context.save("out.jsonl", {"length": [len(text) for text in batch["text"]]})
"""


def test_a_job_file_names_its_input_and_needs_a_processor_only(
    script: Script, tmp_path: Path
) -> None:
    fill(open_storage(str(script.folder)), tmp_path)
    script.write("code.py", PROCESSOR)
    given = {"uri": "tables/*.parquet", "columns": ["text"]}
    script.job(processor="code:Lengths", input=given, shards=3, batchSize=16)
    planned = script.batchprocess("plan", "job.yaml")
    assert (planned.returncode, "300" in planned.stdout) == (0, True), planned.stderr
    done = script.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    (run,) = {path.parents[2] for path in script.folder.glob("*/*/*/ledger/00000")}
    lines = b"".join(one.read() for one in results(str(run))).splitlines()
    assert [json.loads(line)["length"] for line in lines] == [len(row["text"]) for row in rows()]
    assert [json.loads(line)["row"] for line in lines] == list(range(300))


def test_an_input_that_is_not_there_ends_a_job_at_once(script: Script) -> None:
    script.write("code.py", PROCESSOR)
    script.job(processor="code:Lengths", input={"uri": "nowhere.jsonl"}, batchSize=16)
    done = script.batchprocess("run", "job.yaml")
    assert done.returncode == 91
    assert "source ./nowhere.jsonl does not exist" in done.stderr
