"""A call in another thread than the main one: no script ends with 0 before its seal."""

import pytest

from support.script_runs import Script

JOB = """
import os, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from batchprocess import TorchBatchProcessor, torch_batch_process

class P(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        time.sleep(0.02)
        if batch_idx == int(os.environ.get("FAIL_AT", -1)):
            raise ValueError("bad row")
        self.context.save("rows.jsonl", {"row": batch})

def call():
    torch_batch_process(P, list(range(80)), batch_size=4, checkpoint_interval=5)

def thread(daemon=False, target=call):
    one = threading.Thread(target=target, daemon=daemon, name="mine")
    one.start()
    return one
"""
WAYS = {
    "joined": "thread().join()",
    "not joined": "thread()",
    "of an executor": "ThreadPoolExecutor(1, 'mine').submit(call)",
}
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("way", WAYS)
def test_it_is_completed_whoever_waits_for_it(script: Script, way: str) -> None:
    script.write("job.py", JOB + WAYS[way])
    done = script.new_interpreter("job.py")
    assert (done.returncode, "is complete: 80 rows" in done.stderr) == (0, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_what_it_raises_counts_for_the_process(script: Script, way: str) -> None:
    script.write("job.py", JOB + WAYS[way])
    done = script.new_interpreter("job.py", FAIL_AT="7")
    assert done.returncode == 1
    assert "batchprocess: torch_batch_process has failed in thread 'mine" in done.stderr
    again = script.new_interpreter("job.py")
    assert (again.returncode, "80 rows" in again.stderr) == (0, True), again.stderr


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        ("thread(daemon=True); time.sleep(0.5)", "was at work in the daemonic thread 'mine'"),
        ("thread(target=lambda: (time.sleep(1), call()))", "after the main thread had ended"),
        (
            "call(); thread().join()",
            "torch_batch_process may be called once per process",
        ),
    ],
)
def test_a_call_that_cannot_be_completed_is_no_success(
    script: Script, ends: str, sentence: str
) -> None:
    script.write("job.py", JOB + ends)
    done = script.new_interpreter("job.py")
    assert done.returncode == 1
    assert sentence in done.stderr


@pytest.mark.parametrize(("ends", "code"), [("sys.exit(7)", 7), ("[][1]", 1)])
def test_what_the_main_thread_says_counts_more(script: Script, ends: str, code: int) -> None:
    script.write("job.py", JOB + "thread().join()\n" + ends)
    assert script.new_interpreter("job.py", FAIL_AT="7").returncode == code
