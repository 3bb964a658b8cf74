"""A script alone that is asked to stop, and whose handlers are whose."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from batchprocess import TorchBatchProcessor, results
from support.script_runs import Alone, Script
from support.terminals import terminal

pytestmark = pytest.mark.slow

TELLING = """
import sys, time
from batchprocess import TorchBatchProcessor, torch_batch_process

class Telling(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
    def process_batch(self, batch, batch_idx):
        print("batch", batch_idx, flush=True)
        print("batch", batch_idx, file=sys.stderr, flush=True)
        open("begun", "w").close()
        time.sleep(SECONDS)
        self.context.save("rows.jsonl", {"row": batch})

torch_batch_process(
    Telling, list(range(40)), batch_size=4, checkpoint_interval=100,
    dataloader_kwargs={"num_workers": 2},
)
"""

STARTING = """
import os, signal, subprocess, time
from batchprocess import TorchBatchProcessor, torch_batch_process

class Rows:
    def __len__(self):
        return 4
    def __getitem__(self, row):
        started = subprocess.Popen(["sleep", "600"])
        forked = os.fork()
        if forked == 0:
            time.sleep(600)
        started.terminate()
        os.kill(forked, signal.SIGTERM)
        return [-started.wait(), os.waitpid(forked, 0)[1]]

class P(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
    def process_batch(self, batch, batch_idx):
        assert [int(one) for one in batch] == [15, 15], batch
        self.context.save("rows.jsonl", {"row": [1]})

torch_batch_process(P, Rows(), batch_size=1, dataloader_kwargs={"num_workers": 1})
"""


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def rows(script: Script) -> int:
    (run,) = {path.parents[1] for path in script.folder.glob("*/*/*/ledger/00000")}
    return b"".join(one.read() for one in results(str(run))).count(b"\n")


def test_a_closed_terminal_has_a_script_commit_and_stop(script: Script) -> None:
    """Loader processes are on that terminal too, and user code writes to it."""
    script.write("inference.py", TELLING.replace("SECONDS", "1"))
    with terminal([sys.executable, "inference.py"], script.folder) as on:
        wait_for((script.folder / "begun").exists)
        assert on.close() == 85
    assert 4 <= rows(script) < 40
    script.write("inference.py", TELLING.replace("SECONDS", "0"))
    done = script.python("inference.py")
    assert done.returncode == 0, done.stderr
    assert "goes on" in done.stderr
    assert rows(script) == 40


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_that_reaches_the_loaders_processes_too_is_one(
    script: Script, stop: signal.Signals
) -> None:
    """As batch systems send it, and terminals."""
    script.write("inference.py", TELLING.replace("SECONDS", "0.3"))
    process = subprocess.Popen(
        [sys.executable, "inference.py"],
        cwd=script.folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for((script.folder / "begun").exists)
    os.killpg(process.pid, stop)
    errors = process.communicate(timeout=60)[1]
    assert (process.returncode, "Traceback" in errors) == (85, False), errors
    assert 4 <= rows(script) < 40


def test_loaders_processes_do_not_hold_a_script_that_has_failed(script: Script) -> None:
    script.write("inference.py", TELLING.replace("time.sleep(SECONDS)", "[][1]"))
    done = script.new_interpreter("inference.py")
    assert (done.returncode, "the script has ended" in done.stderr) == (1, False), done.stderr


def test_what_a_loaders_process_has_started_ends_by_sigterm(script: Script) -> None:
    script.write("inference.py", STARTING)
    done = script.python("inference.py")
    assert done.returncode == 0, done.stderr
    assert rows(script) == 4


def test_two_hang_ups_are_one_stop(script: Script) -> None:
    script.write("inference.py", TELLING.replace("SECONDS", "1"))
    process = subprocess.Popen(
        [sys.executable, "inference.py"], cwd=script.folder, stderr=subprocess.DEVNULL
    )
    wait_for((script.folder / "begun").exists)
    for _ in range(2):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
    assert process.wait(60) == 85
    assert 4 <= rows(script) < 40


def test_a_killed_script_leaves_nothing_once_it_is_run_again(script: Script) -> None:
    (script.folder / "tmp").mkdir()
    environ = {**os.environ, "TMPDIR": str(script.folder / "tmp")}
    script.write("inference.py", TELLING.replace("SECONDS", "1"))
    process = subprocess.Popen(
        [sys.executable, "inference.py"],
        cwd=script.folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for((script.folder / "begun").exists)
    (left,) = (script.folder / "tmp").glob("batchprocess-*")
    process.kill()
    process.wait()
    # Loader processes hold the lock too, until they see that nobody is there any more.
    with next(left.glob("lock-*")).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    script.write("inference.py", TELLING.replace("SECONDS", "0"))
    done = script.python("inference.py", TMPDIR=environ["TMPDIR"])
    assert done.returncode == 0, done.stderr
    assert not list((script.folder / "tmp").glob("batchprocess-*"))


class Quiet(TorchBatchProcessor):
    """Notes which handlers are set while a batch is processed."""

    handlers: list[object]

    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        type(self).handlers = of_stops()


class Raising(Quiet):
    def process_batch(self, batch, batch_idx):
        super().process_batch(batch, batch_idx)
        raise ValueError("a bad row")


def of_stops() -> list[object]:
    return [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]


def mine(*_: object) -> None:
    """A caller's own handler."""


def test_the_callers_handlers_are_back_when_the_call_returns_or_raises(alone: Alone) -> None:
    before = signal.signal(signal.SIGTERM, mine)
    try:
        own = of_stops()
        with pytest.raises(ValueError, match="a bad row"):
            alone.run(Raising, list(range(8)))
        assert of_stops() == own
        assert not set(Raising.handlers) & set(own)
        Quiet.__qualname__ = "Raising"
        alone.run(Quiet, list(range(8)))
        assert of_stops() == own
    finally:
        signal.signal(signal.SIGTERM, before)
