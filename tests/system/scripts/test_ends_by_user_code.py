"""What ends a process without an error is one before the seal, wherever user code raises it."""

import pytest

from support.script_runs import Script

pytestmark = pytest.mark.slow

PRELUDE = """
import asyncio, os, sys
from batchprocess import TorchBatchProcessor, torch_batch_process

class Rows(list):
    def __getitem__(self, row):
        if row == 9 and ROW:
            ROW()
        return super().__getitem__(row)

class Base(TorchBatchProcessor):
    def __init__(self, context):
        pass
    def process_batch(self, batch, batch_idx):
        pass

def ends(error):
    raise error

ROW = None
OPTIONS = {"batch_size": 4, "checkpoint_interval": 2}
"""
BATCH = """
class P(Base):
    def process_batch(self, batch, batch_idx):
        if batch_idx == 2:
            {end}
torch_batch_process(P, Rows(range(40)), **OPTIONS)
"""
IN_BATCH_2 = "(batch 2 of shard 0, rows 8 to 11)"
ENDS = {
    "sys.exit()": "SystemExit",
    "sys.exit(3)": "SystemExit: 3",
    "sys.exit(85)": "SystemExit: 85",
    "sys.exit('enough')": "SystemExit: enough",
    "ends(asyncio.CancelledError())": "CancelledError",
    "ends(KeyboardInterrupt())": "KeyboardInterrupt",
    "ends(GeneratorExit())": "GeneratorExit",
    "ends(type('Exit', (BaseException,), {})('skip'))": "Exit: skip",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_batch_that_ends_the_process_is_an_error_that_names_it(script: Script, end: str) -> None:
    script.write("inference.py", PRELUDE + BATCH.format(end=end))
    done = script.python("inference.py")
    assert done.returncode == 1, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last == f"process_batch raised {ENDS[end]} {IN_BATCH_2}"
    assert f"    {end}\n" in done.stderr  # the line that did it
    assert done.stderr.count("Traceback") == 1


PLACES = {
    "__init__": "class P(Base):\n    def __init__(self, context):\n        sys.exit()",
    "on_checkpoint_start": (
        "class P(Base):\n    def on_checkpoint_start(self):\n        sys.exit()"
    ),
    "on_finish": "class P(Base):\n    def on_finish(self):\n        sys.exit()",
    "reading a batch": "ROW, P = sys.exit, Base",
}


@pytest.mark.parametrize("place", PLACES)
def test_wherever_user_code_ends_the_process_it_is_an_error(script: Script, place: str) -> None:
    call = "\ntorch_batch_process(P, Rows(range(40)), **OPTIONS)\n"
    script.write("inference.py", PRELUDE + PLACES[place] + call)
    done = script.python("inference.py")
    assert done.returncode == 1, done.stderr
    assert f"{place} raised SystemExit" in done.stderr.strip().splitlines()[-1]


def test_in_a_row_that_the_fingerprint_reads_it_is_that_of_its_batch(script: Script) -> None:
    body = "ROW, P = sys.exit, Base\ntorch_batch_process(P, Rows(range(40)), **OPTIONS)\n"
    script.write("inference.py", PRELUDE.replace("row == 9", "row == 11") + body)
    done = script.python("inference.py")
    last = done.stderr.strip().splitlines()[-1]
    assert last == "reading a batch raised SystemExit (batch 2 of shard 0, row 11)"


def test_a_thread_that_called_us_learns_it_as_an_error(script: Script) -> None:
    """A SystemExit in a thread is swallowed by Python without a word."""
    call = """
def work():
    try:
        torch_batch_process(P, Rows(range(40)), **OPTIONS)
    except Exception as error:
        print(type(error).__name__, flush=True)
import threading
thread = threading.Thread(target=work); thread.start(); thread.join()
"""
    body = BATCH.format(end="sys.exit()").rpartition("torch_batch")[0]
    script.write("inference.py", PRELUDE + body + call)
    assert script.python("inference.py").stdout == "EndedByUserCode\n"


def test_a_reducer_that_ends_the_process_leaves_its_sentence_with_the_outputs(
    script: Script,
) -> None:
    body = """
class P(Base):
    def __init__(self, context):
        context.wrap_reducer(lambda values: sys.exit(), name="n")
torch_batch_process(P, Rows(range(40)), **OPTIONS)
"""
    script.write("inference.py", PRELUDE + body)
    done = script.python("inference.py")
    assert done.returncode == 0, done.stderr
    assert "metrics failed: reduce raised SystemExit" in done.stderr


@pytest.mark.parametrize(("signals", "code"), [(1, 85), (2, -2)])
def test_ctrl_c_stays_what_it_is(script: Script, signals: int, code: int) -> None:
    body = BATCH.format(end=f"[os.kill(os.getpid(), 2) for _ in range({signals})]")
    script.write("inference.py", PRELUDE + body)
    done = script.python("inference.py")
    assert done.returncode == code, done.stderr
    assert "EndedByUserCode" not in done.stderr
    assert "raised KeyboardInterrupt" not in done.stderr


FORK = """
class P(Base):
    def __init__(self, context):
        self.context = context
    def process_batch(self, batch, batch_idx):
        self.context.save("rows.jsonl", {"row": batch})
        if batch_idx == 3:
            child = os.fork()
            if not child:
                END
            _, status = os.waitpid(child, 0)
            print("child ended with", os.waitstatus_to_exitcode(status))
torch_batch_process(P, Rows(range(40)), **OPTIONS)
"""


@pytest.mark.parametrize(("end", "code"), [("sys.exit(7)", 7), ("1 / 0", 1)])
def test_a_child_that_user_code_forks_ends_as_it_would_without_us(
    script: Script, end: str, code: int
) -> None:
    script.write("inference.py", PRELUDE + FORK.replace("END", end))
    done = script.python("inference.py", TMPDIR=str(script.folder))
    assert done.returncode == 0, done.stderr
    assert f"child ended with {code}\n" in done.stdout
    assert "raised" not in done.stderr
    assert list(script.folder.glob("batchprocess-*")) == [script.folder / "batchprocess-runs"]
    assert not list(script.folder.rglob("failed-*"))


POOL = """
import multiprocessing
class P(Base):
    def process_batch(self, batch, batch_idx):
        with multiprocessing.get_context("fork").Pool(2) as pool:  # which ends it by SIGTERM
            assert pool.map(abs, [-1, 2]) == [1, 2]
torch_batch_process(P, Rows(range(8)), **OPTIONS)
"""


def test_a_pool_of_user_code_ends_with_its_block(script: Script) -> None:
    script.write("inference.py", PRELUDE + POOL)
    done = script.python("inference.py")
    assert (done.returncode, "stopping" in done.stderr) == (0, False), done.stderr


def test_a_traceback_ends_with_the_row_and_the_script_at_once(script: Script) -> None:
    """Its loader processes too, which outlive a stop of their group."""
    script.write(
        "inference.py",
        PRELUDE
        + """
class P(Base):
    pass
def fails():
    raise ValueError("no image")
ROW = fails
torch_batch_process(P, Rows(range(40)), dataloader_kwargs={"num_workers": 2}, **OPTIONS)
""",
    )
    done = script.python("inference.py")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == "(batchprocess: reading a batch, batch 2 of shard 0, row 9)"
    assert "entry.py" not in done.stderr  # no call of ours
    assert "not waited for" not in done.stderr
