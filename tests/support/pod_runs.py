"""Real scripts under the real agent, as a pod would run them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchprocess.protocol.environment import WorkerEnvironment
from support.zygote.processes import forked

Forking = Callable[[], AbstractContextManager[None]]

PRELUDE = """
import ctypes, os, pathlib, sys, time
import torch
from torch.utils.data import Dataset, TensorDataset
from batchprocess import TorchBatchProcessor, torch_batch_process

class Rows(Dataset):
    def __init__(self, rows=40):
        self.rows = rows
    def __len__(self):
        return self.rows
    def __getitem__(self, row):
        return float(row)

class Base(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.lines = []
    def process_batch(self, batch, batch_idx):
        self.lines += [str(value) for value in batch.tolist()]
    def on_checkpoint_start(self):
        with self.context.upload_path() as path:
            pathlib.Path(path, "rows.txt").write_text("\\n".join(self.lines) + "\\n")
        self.lines = []

def go(processor=Base, dataset=None, **options):
    options = {"batch_size": 4, "checkpoint_interval": 2} | options
    torch_batch_process(processor, dataset if dataset is not None else Rows(), **options)
"""


@dataclass(frozen=True)
class Ended:
    """How an agent ended."""

    code: int
    stderr: str
    message: dict[str, Any]

    @property
    def last_line(self) -> str:
        return self.stderr.strip().splitlines()[-1]


class Pod:
    """One run folder, and agents started on it; with `nullcontext` as `forking`, by real starts."""

    def __init__(self, folder: Path, forking: Forking = forked) -> None:
        self.folder = folder
        self.forking = forking
        self.job = 0

    def start(
        self,
        script: str,
        command: Sequence[str] = (),
        around: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
        **environment: Any,
    ) -> "subprocess.Popen[str]":
        (self.folder / "script.py").write_text(PRELUDE + script)
        self.job += 1
        settings = {
            "job": f"20260101T{self.job:06d}Z-test",
            "job_name": "job",
            "run_uri": str(self.folder / "run"),
            "shards": 1,
            "storage_deadline_seconds": 5,
            "termination_log": str(self.folder / "message"),
        }
        (self.folder / "message").write_text("")
        made = WorkerEnvironment(**(settings | environment))
        agent = [*around, sys.executable, "-m", "batchprocess.agent", "--"]
        with self.forking():
            return subprocess.Popen(
                [*agent, *(command or ("python", "script.py"))],
                cwd=self.folder,
                env={**os.environ, **made.to_env()},
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                pass_fds=pass_fds,
            )

    def end(self, process: "subprocess.Popen[str]") -> Ended:
        _, stderr = process.communicate(timeout=100)
        body = (self.folder / "message").read_text()
        ended = Ended(process.returncode, stderr, json.loads(body) if body else {})
        if ended.message.get("code") is not None:
            # Whatever happened, code and sentence are told in both places alike.
            assert ended.message["code"] == ended.code
            assert ended.message["message"] == ended.last_line
        return ended

    def run(self, script: str, command: Sequence[str] = (), **environment: Any) -> Ended:
        return self.end(self.start(script, command, **environment))

    def wait_for(self, what: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.05)

    def rows(self) -> list[float]:
        from batchprocess import results

        text = b"".join(one.read() for one in results(str(self.folder / "run"))).decode()
        return [float(line) for line in text.split()]

    def stop(self, process: "subprocess.Popen[str]") -> Ended:
        process.send_signal(signal.SIGTERM)
        return self.end(process)
