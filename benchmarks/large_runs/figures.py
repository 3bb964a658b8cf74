"""What is measured."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from math import log2
from pathlib import Path
from typing import Any
from unittest import mock

from batchprocess.cli import target
from batchprocess.cli.commands.results import show_results
from batchprocess.cli.commands.verify import verify_run
from batchprocess.ledger.documents import Reduction
from batchprocess.ledger.effects import Flow, Staged, Upload
from batchprocess.ledger.head import find_head
from batchprocess.ledger.run import read_run
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.records import Claim, digest, encode
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.finish import finish
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.runs.results import results_of
from batchprocess.sdk.user.reported_metrics import ReportedMetrics
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from benchmarks.large_runs.made_runs import AT, JOB, UnwrittenFiles
from benchmarks.large_runs.slow_storage import SlowStorage


def calls(root: Path, seconds: float) -> Iterator[str]:
    """A line for every command, on a run whose shards are sealed."""
    download = root.parent / "downloaded"
    commands: dict[str, Callable[[Storage], Any]] = {
        "finish": _finish,
        "finish again": _finish,
        "results": lambda _: show_results(str(root), download=None, as_json=False),
        "results --json": lambda _: show_results(str(root), download=None, as_json=True),
        "results --download": lambda _: show_results(str(root), download=download, as_json=False),
        "verify": lambda _: verify_run(str(root), as_json=False),
    }
    for name, command in commands.items():
        storage = SlowStorage(root, seconds)
        with mock.patch.object(target, "open_storage", lambda *_, to=storage: to):
            took = _seconds_of(command, storage)
        alone = storage.calls * seconds
        yield f"{name}: {took:.1f} s for {storage.calls} calls ({alone:.0f} s one after the other)"


def finish_unwritten(root: Path, commits: int, files: int) -> str:
    """Finish a run of many files."""
    took = _seconds_of(_finish, UnwrittenFiles(root, commits, files))
    manifest = (root / "manifest.jsonl").stat().st_size
    return f"finish: {took:.0f} s, manifest of {manifest >> 20} MiB"


def list_unwritten(root: Path, commits: int, files: int) -> str:
    """List its results."""
    storage = UnwrittenFiles(root, commits, files)
    run = perform(read_run(), storage)
    assert isinstance(run, RunInfo)
    began = time.perf_counter()
    number = sum(1 for _ in results_of(storage, run))
    return f"results: {time.perf_counter() - began:.0f} s for {number} files"


def upload(uri: str, s3: S3Settings, file: Path, number: int) -> str:
    """The files of one commit, sent as a worker sends them."""
    storage, size = open_storage(uri, s3), file.stat().st_size
    staged = Staged(file, size, digest(file.read_bytes()))

    def flow() -> Flow[None]:
        yield Upload(tuple((f"data/{one}", staged) for one in range(number)))

    took = _seconds_of(lambda to: perform(flow(), to), storage)
    return f"{number} files of {size >> 20} MiB sent in {took:.1f} s"


def report_metrics(number: int) -> None:
    """As a processor does in every batch; what is committed meanwhile is not kept."""
    reported = ReportedMetrics()
    for step in range(number):
        reported.new_entry("training", step, {"loss": 0.5})


def head_reads(length: int) -> str:
    """How many records are read to find the last of so many."""
    reads = 0
    flow = find_head(0)
    effect: Any = next(flow)
    try:
        while True:
            reads += 1
            seq = int(Path(effect.key).stem)
            effect = flow.send(encode(_claim(seq)) if seq <= length else None)
    except StopIteration:
        bound = 2 * log2(length) + 4
        return f"the head of {length} records: {reads} reads, at most {bound:.0f}"


def _claim(seq: int) -> Claim:
    return Claim(shard=0, seq=seq, prev=None, nonce="n", attempt="a", job=JOB, cursor=0, at=AT)


def _finish(storage: Storage) -> None:
    finish(storage, job=JOB, run_id="run", reduce=lambda _: Reduction({}), patience=Patience(30))


def _seconds_of(command: Callable[[Storage], Any], storage: Storage) -> float:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        began = time.perf_counter()
        command(storage)
        return time.perf_counter() - began
