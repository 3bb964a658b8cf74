"""Endings for want of something: memory, stack, disk, storage, modules, progress."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from batchprocess.ledger.finalize import close
from batchprocess.ledger.identity import Identity
from batchprocess.ledger.run import plan_of, read_run
from batchprocess.runs.perform import perform
from batchprocess.storage.factory import open_storage
from support.pod_runs import Pod
from support.storage.fault_proxy import FaultProxy
from support.storage.s3_server import Server

pytestmark = pytest.mark.slow
ALL_ROWS = [float(row) for row in range(40)]


def in_batch(body: str) -> str:
    return f"""
class Broken(Base):
    def process_batch(self, batch, batch_idx):
        super().process_batch(batch, batch_idx)
        {body}
go(Broken)
"""


GOOD = in_batch("pass")


def test_a_real_stack_overflow_is_a_death_by_signal(pod: Pod) -> None:
    body = "nested = []; sys.setrecursionlimit(10**9)\n"
    body += "        for _ in range(10**7): nested = [nested]\n        repr(nested)"
    ended = pod.run(in_batch(body))
    assert ended.code == 139
    assert "killed by SIGSEGV" in ended.last_line


def test_a_real_memory_limit_is_told(pod: Pod) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30)); "
    ended = pod.run(in_batch(limit + "bytearray(32 << 30)"))
    assert ended.code == 1
    assert "process_batch raised MemoryError" in ended.last_line


def test_an_unpicklable_dataset_is_told_where_it_must_be_pickled(pod: Pod) -> None:
    script = "rows = Rows(); rows.key = lambda row: row\n"
    spawned = 'dataloader_kwargs={"num_workers": 1, "multiprocessing_context": "spawn"}'
    ended = pod.run(f'{script}if __name__ == "__main__":\n    go(dataset=rows, {spawned})')
    assert ended.code == 91
    assert "the dataset raised PicklingError" in ended.last_line
    assert pod.run(f'{script}go(dataset=rows, dataloader_kwargs={{"num_workers": 1}})').code == 0
    assert pod.rows() == ALL_ROWS


@pytest.mark.parametrize(
    ("references", "sentence"),
    [
        ({"processor": "nowhere:Base", "dataset": "script:Rows"}, "No module named 'nowhere'"),
        ({"processor": "script:Bass", "dataset": "script:Rows"}, "module 'script' has no 'Bass'"),
        ({"processor": "script:Rows", "dataset": "script:Few"}, "no subclass of TorchBatch"),
    ],
)
def test_what_is_not_there_is_named(pod: Pod, references: dict[str, str], sentence: str) -> None:
    few = "def Few(): return Rows(5)"
    ended = pod.run(few, command=["python", "-m", "batchprocess.sdk"], batch_size=4, **references)
    assert ended.code == 91
    assert sentence in ended.last_line
    assert sentence in ended.message["message"]


def test_a_script_that_cannot_import_ends_91_while_the_run_has_not_begun(pod: Pod) -> None:
    ended = pod.run("import nowhere")
    assert ended.code == 91
    assert "ModuleNotFoundError: No module named 'nowhere'" in ended.stderr
    assert "ModuleNotFoundError: No module named 'nowhere'" in ended.stderr


def test_attempts_without_progress_come_to_an_end(pod: Pod) -> None:
    same: dict[str, Any] = {"job": "20260101T000001Z-same", "max_attempts_without_progress": 2}
    for _ in range(2):
        assert pod.run(in_batch("os.kill(os.getpid(), 9)"), **same).code == 137
    ended = pod.run(GOOD, **same)
    assert ended.code == 92
    assert "2 attempts in a row ended without a commit, at batch 0" in ended.last_line


def test_a_closed_shard_asks_for_another_run(pod: Pod) -> None:
    assert pod.run(in_batch("assert batch_idx < 3")).code == 90
    storage = open_storage(str(pod.folder / "run"))
    run = perform(read_run(), storage)
    assert run is not None
    at = "2026-01-01T00:00:00+00:00"
    me = Identity(0, "20260101T000009Z-finalizer", "f", lambda: "f" * 32, lambda: at, 0)
    perform(close(me, plan_of(run)), storage)
    ended = pod.run(GOOD)
    assert ended.code == 94
    assert "shard 0 was closed as failed at batch 2; start another run" in ended.last_line


def on_s3(server: Server, proxy: FaultProxy) -> dict[str, Any]:
    settings = server.through(proxy.endpoint).settings()
    return {"run_uri": f"s3://{server.bucket}/run", "s3": settings, "storage_deadline_seconds": 30}


def wait_for_outage(proxy: FaultProxy) -> None:
    deadline = time.monotonic() + 60
    while not proxy.done["outage"]:
        assert time.monotonic() < deadline, "nothing was sent during the outage"
        time.sleep(0.02)


def test_a_stop_during_an_upload_waits_for_the_commit(
    pod: Pod, gateway: Server, proxy: FaultProxy
) -> None:
    process = pod.start(in_batch("time.sleep(0.2)"), **on_s3(gateway, proxy))
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    proxy.outage.set()
    wait_for_outage(proxy)
    threading.Timer(2, proxy.outage.clear).start()
    stopped = pod.stop(process)
    assert stopped.code == 85, stopped.stderr
    cursor = stopped.message["shards"][0]["cursor"]
    assert cursor >= 4
    ended = pod.run(GOOD, **on_s3(gateway, proxy))
    assert ended.code == 0
    assert ended.message["shards"][0]["total"] == 10


def test_a_grace_that_ends_before_the_upload_commits_nothing_by_halves(
    pod: Pod, gateway: Server, proxy: FaultProxy
) -> None:
    settings = on_s3(gateway, proxy)
    process = pod.start(in_batch("time.sleep(0.2)"), grace_seconds=3, **settings)
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    proxy.outage.set()
    wait_for_outage(proxy)
    process.terminate()
    time.sleep(4)
    proxy.outage.clear()
    assert pod.end(process).code == 85
    assert pod.run(GOOD, **settings).code == 0


def test_a_grace_that_ends_during_an_outage_ends_85_in_time(
    pod: Pod, gateway: Server, proxy: FaultProxy
) -> None:
    settings = on_s3(gateway, proxy) | {"storage_deadline_seconds": 600}
    process = pod.start(in_batch("time.sleep(0.2)"), grace_seconds=5, **settings)
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    proxy.outage.set()
    wait_for_outage(proxy)
    ended = pod.stop(process)
    assert ended.code == 85, ended.stderr
    assert "was stopped at batch" in ended.last_line


def test_a_store_that_stays_away_ends_88_and_the_next_attempt_goes_on(
    pod: Pod, gateway: Server, proxy: FaultProxy
) -> None:
    settings = on_s3(gateway, proxy) | {"storage_deadline_seconds": 3}
    process = pod.start(in_batch("time.sleep(0.2)"), **settings)
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    proxy.outage.set()
    ended = pod.end(process)
    assert ended.code == 88
    assert "storage has failed for" in ended.last_line
    proxy.outage.clear()
    assert pod.run(GOOD, **settings).code == 0


def test_a_store_that_was_never_there_ends_88(pod: Pod, gateway: Server, proxy: FaultProxy) -> None:
    proxy.outage.set()
    settings = on_s3(gateway, proxy) | {"storage_deadline_seconds": 2}
    ended = pod.run(GOOD, **settings)
    assert ended.code == 88
    assert "s3://work/run" in ended.last_line


def test_what_a_killed_attempt_leaves_in_temporary_folders_is_removed(
    pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    write = 'block = self.context.upload_path(); (block.__enter__() / "big").touch();'
    seen = "assert list(pathlib.Path(os.environ['TMPDIR']).rglob('big'));"
    ended = pod.run(in_batch(f"{write} {seen} os.kill(os.getpid(), 9)"))
    assert ended.code == 137, ended.stderr
    assert list(temporary.iterdir()) == []
    assert pod.run(GOOD).code == 0
    assert list(temporary.iterdir()) == []


def test_a_place_for_temporary_files_that_is_none_is_named(
    pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHPROCESS_SCRATCH", "/proc/self/nowhere")
    ended = pod.run(GOOD)
    assert ended.code == 91
    assert "cannot be started" in ended.last_line
    assert "/proc/self/nowhere" in ended.last_line


SMALL_DISK = 'mkdir run && mount -t tmpfs -o size=1m small run && exec "$@"'


def test_a_full_disk_in_storage_ends_88(pod: Pod) -> None:
    """The run folder is a file system of 1 MiB, in a mount namespace of the test's own."""
    flags = "-m" if os.geteuid() == 0 else "-rm"
    grow = 'self.lines.append("x" * 400_000)'
    process = pod.start(
        in_batch(grow),
        around=["unshare", flags, "sh", "-c", SMALL_DISK, "sh"],
        storage_deadline_seconds=2,
    )
    ended = pod.end(process)
    assert ended.code == 88, ended.stderr
    assert "No space left on device" in ended.last_line
