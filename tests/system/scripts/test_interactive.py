"""In an interactive session calls follow each other; a script makes one."""

import json
import os
import signal
import subprocess
import sys

import pytest

from batchprocess import TorchBatchProcessor, results
from batchprocess.sdk import entry
from support.script_runs import Alone, Script

CODE = """
from batchprocess import TorchBatchProcessor, torch_batch_process

class Rows(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        self.context.save("rows.jsonl", {"row": batch})
"""
TYPED = """
from code_of_mine import *
torch_batch_process(Rows, 5, batch_size=2)
torch_batch_process(Rows, [1, 2, 3], batch_size=2)
torch_batch_process(Rows, [4, 5], batch_size=2)
"""


class Once(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        self.context.save("rows.jsonl", {"row": batch})


def test_a_session_calls_again_after_a_refused_and_a_finished_call(script: Script) -> None:
    script.write("code_of_mine.py", CODE)
    typed = subprocess.run(
        [sys.executable, "-i", "-q"],
        input=TYPED,
        cwd=script.folder,
        env={**os.environ, "TMPDIR": str(script.folder)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "int cannot be read row by row" in typed.stderr
    runs = (script.folder / "batchprocess-runs" / "interactive").glob("*/_SUCCESS")
    rows = [
        [
            json.loads(line)["row"]
            for one in results(str(run.parent))
            for line in one.read().splitlines()
        ]
        for run in runs
    ]
    assert sorted(rows) == [[1, 2, 3], [4, 5]], typed.stderr
    assert not list(script.folder.glob("batchprocess-*-*"))


def test_a_script_that_calls_twice_is_told(script: Script) -> None:
    script.write("inference.py", CODE + "for _ in range(2): torch_batch_process(Rows, [1, 2])\n")
    done = script.python("inference.py")
    assert done.returncode == 1
    assert "torch_batch_process may be called once per process: give each" in done.stderr


def test_a_call_within_a_call_is_refused(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)

    class Nested(Once):
        def process_batch(self, batch, batch_idx):
            entry.torch_batch_process(Once, [1], batch_size=1)

    with pytest.raises(RuntimeError, match="is at work in this process"):
        alone.run(Nested, [1, 2])


def test_signals_are_the_callers_again_once_the_call_returns(alone: Alone) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    alone.run(Once, [1, 2])
    with pytest.raises(TypeError):
        alone.run(Once, 5)
    assert [signal.getsignal(number) for number in numbers] == before
