"""Tables of real processes that are killed, or sleep through it all, at the worst moment.

That is between the upload of a commit's files and its record. Each row is once in `results`, in
Delta's log and, once nothing stray is left, in the folder.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import deltalake
import numpy as np
import pandas as pd
import pytest

from batchprocess import results
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from support.commands import Command, batchprocess
from support.script_runs import Script
from support.storage.s3_stores import gateway, job_folder
from support.zygote.processes import forked

__all__ = ["batchprocess", "gateway", "job_folder"]
pytestmark = pytest.mark.slow
ROWS, TABLES = 20, ("halves.parquet", "quarters.npy", "words.jsonl")

JOB = """
import os, signal, threading
from batchprocess import TorchBatchProcessor, torch_batch_process
from batchprocess.protocol.errors import StorageDenied
from batchprocess.storage.local import LocalStorage
from batchprocess.storage.s3 import S3Storage

store = S3Storage if os.environ["BATCHPROCESS_OUTPUT"].startswith("s3:") else LocalStorage
create, upload, delete, files = store.create, store.upload, store.delete, 0

def killed(self, key, body):
    if key.endswith("/00000003.json"):
        os.kill(os.getpid(), signal.SIGKILL)
    return create(self, key, body)

def asleep(self, key, *content):
    global files
    files += key.startswith("tables/halves/")
    if files == 2 and key.startswith("tables/halves/"):
        # This very thread: one of the others would be stopped a little later.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    return upload(self, key, *content)

def refused(self, key):
    if key.startswith("tables/"):
        raise StorageDenied(f"{key} may not be deleted here")
    return delete(self, key)

for what in os.environ.get("TROUBLE", "").split():
    name = {"killed": "create", "asleep": "upload", "refused": "delete"}[what]
    setattr(store, name, globals()[what])

class Halves(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        self.context.save("halves.parquet", {"half": batch / 2})
        self.context.save("quarters.npy", batch / 4)
        self.context.save("words.jsonl", {"word": [f"w{int(one)}" for one in batch]})

torch_batch_process(Halves, list(range(20)), batch_size=4, checkpoint_interval=1)
"""


class Run:
    """A job folder, and processes of one script on it."""

    def __init__(self, script: Script, folder: Storage) -> None:
        self.script, self.folder = script, folder
        script.write("job.py", JOB)

    def process(self, trouble: str = "") -> "subprocess.Popen[bytes]":
        env = {**os.environ, "BATCHPROCESS_OUTPUT": self.folder.uri, "TROUBLE": trouble}
        with forked():
            return subprocess.Popen([sys.executable, "job.py"], cwd=self.script.folder, env=env)

    def end(self, trouble: str = "") -> int:
        with self.process(trouble) as process:
            return process.wait(100)

    @property
    def storage(self) -> Storage:
        latest = self.folder.get("job/latest")
        assert latest is not None
        return open_storage(f"{self.folder.uri}/job/{latest.decode().strip()}")

    def keys(self, name: str) -> list[str]:
        """Of a table's files."""
        stem, _, suffix = name.partition(".")
        keys = [one.key for one in self.storage.list(f"tables/{stem}/")]
        return sorted(key for key in keys if key.endswith(suffix))

    def require_each_row_once(self, tmp_path: Path, *, folder: bool = True) -> None:
        """folder: also in the files as they stand there."""
        found = results(self.storage.uri)
        halves = found.table("halves").to_table()["half"].to_pylist()
        assert halves == [row / 2 for row in range(ROWS)]
        by_name = dict.fromkeys(TABLES, b"")
        quarters = []
        for one in found:
            if one.file.name == "quarters.npy":
                quarters += read_numpy(one.read(), tmp_path)
            by_name[one.file.name] = by_name.get(one.file.name, b"") + one.read()
        assert quarters == [row / 4 for row in range(ROWS)]
        words = [json.loads(line)["word"] for line in by_name["words.jsonl"].splitlines()]
        assert words == [f"w{row}" for row in range(ROWS)]
        copy = self.copy(tmp_path)
        table = deltalake.DeltaTable(copy / "halves").to_pyarrow_table()
        assert sorted(table["half"].to_pylist()) == halves
        if folder:
            assert pd.read_parquet(copy / "halves")["half"].tolist() == halves
            each = [read_numpy(one.read_bytes(), tmp_path)
                    for one in sorted((copy / "quarters").glob("*.npy"))]  # fmt: skip
            assert [row for some in each for row in some] == quarters

    def copy(self, tmp_path: Path) -> Path:
        """The tables, on this machine."""
        copy = Path(tmp_path / "copy" / str(len(list(tmp_path.glob("copy/*")))))
        for one in self.storage.list("tables/"):
            path = copy / one.key.removeprefix("tables/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.storage.get(one.key) or b"")
        return copy


def read_numpy(content: bytes, tmp_path: Path) -> list[float]:
    (tmp_path / "one.npy").write_bytes(content)
    found: list[float] = np.load(tmp_path / "one.npy").tolist()
    return found


@pytest.fixture
def run(script: Script, tmp_path: Path) -> Run:
    return Run(script, open_storage(str(tmp_path / "runs")))


def test_killed_between_a_tables_file_and_its_record(
    script: Script, job_folder: Storage, tmp_path: Path, batchprocess: Command
) -> None:
    run = Run(script, job_folder)
    assert run.end("killed") == -signal.SIGKILL
    left = {name: run.keys(name) for name in TABLES}
    assert all(len(keys) == 2 for keys in left.values()), left
    assert run.end() == 0
    for name, (_, unnamed) in left.items():
        assert unnamed not in run.keys(name)
    run.require_each_row_once(tmp_path)
    assert batchprocess("verify", run.storage.uri).code == 0


def test_a_file_that_may_not_be_deleted_is_in_no_result_and_is_told(
    run: Run, tmp_path: Path, batchprocess: Command
) -> None:
    assert run.end("killed") == -signal.SIGKILL
    left = [run.keys(name)[1] for name in TABLES]
    assert run.end("refused") == 0
    assert all(key in run.keys(name) for name, key in zip(TABLES, left, strict=True))
    run.require_each_row_once(tmp_path, folder=False)
    said = batchprocess("verify", run.storage.uri).out
    assert all(f"{key} is a stray" in said for key in left), said
    assert run.end() == 0  # which only cleans
    run.require_each_row_once(tmp_path)
    assert batchprocess("verify", run.storage.uri).code == 0


@pytest.mark.parametrize("may_delete", [True, False])
def test_who_wakes_behind_the_cleaning_leaves_at_most_a_stray_that_is_in_no_result(
    run: Run, tmp_path: Path, batchprocess: Command, may_delete: bool
) -> None:
    """It sleeps right before it uploads the second file of a table."""
    zombie = run.process("asleep" if may_delete else "asleep refused")
    try:
        _, status = os.waitpid(zombie.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status
        assert run.end() == 0
        before = {*run.keys("halves.parquet")}
        zombie.send_signal(signal.SIGCONT)
        assert zombie.wait(100) == 0  # for the shard is sealed
    finally:
        zombie.kill()
        zombie.wait(10)
    strays = {*run.keys("halves.parquet")} - before
    assert len(strays) == (not may_delete)
    run.require_each_row_once(tmp_path, folder=may_delete)
    said = batchprocess("verify", run.storage.uri)
    assert all(f"{key} is a stray" in said.out for key in strays)
    assert said.code == (0 if may_delete else 93)
    if strays:
        assert run.end() == 0  # which only cleans
        run.require_each_row_once(tmp_path)
