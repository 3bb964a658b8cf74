"""A script under a launcher: each rank is a shard, and all ranks meet in one run."""

import signal
import subprocess
import sys
import time

import pytest

from batchprocess import results
from support.script_runs import Script

pytestmark = pytest.mark.slow
TORCHRUN = ["-m", "torch.distributed.run", "--nproc-per-node", "3", "inference.py"]
CODE = """
import pathlib, time
from batchprocess import TorchBatchProcessor, torch_batch_process

class Writer(TorchBatchProcessor):
    def __init__(self, context):
        self.context, self.lines = context, []
        self.rows = context.wrap_reducer(len, name="rows")

    def process_batch(self, batch, batch_idx):
        time.sleep(SECONDS)
        self.lines += [str(row) for row in batch.tolist()]
        self.rows.update(len(batch))

    def on_checkpoint_start(self):
        with self.context.upload_path() as path:
            pathlib.Path(path, "rows.txt").write_text("\\n".join(self.lines) + "\\n")
        self.lines = []

torch_batch_process(Writer, list(range(50)), batch_size=4, checkpoint_interval=1)
"""


def runs(script: Script) -> list[str]:
    folder = script.folder / "batchprocess-runs" / "inference"
    return sorted(str(path.parent) for path in folder.glob("*/run.json"))


def rows(uri: str) -> list[int]:
    return [int(line) for one in results(uri) for line in one.read().split()]


def test_ranks_meet_in_one_run_and_the_next_launch_in_the_next(script: Script) -> None:
    script.write("inference.py", CODE.replace("SECONDS", "0"))
    for number in (1, 2):
        done = script.python(*TORCHRUN)
        assert done.returncode == 0, done.stderr
        assert len(runs(script)) == number
    for uri in runs(script):
        assert rows(uri) == list(range(50))


def test_a_killed_launch_goes_on(script: Script) -> None:
    # No rank may end before another has begun.
    script.write("inference.py", CODE.replace("SECONDS", "3 if batch_idx else 0"))
    process = subprocess.Popen(
        [sys.executable, *TORCHRUN],
        cwd=script.folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while len(list(script.folder.glob("*/*/*/ledger/*/00000002.json"))) < 3:
            assert time.monotonic() < deadline, "no rank has committed"
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    (uri,) = runs(script)
    assert len(rows(uri)) < 50
    script.write("inference.py", CODE.replace("SECONDS", "0"))
    done = script.python(*TORCHRUN)
    assert done.returncode == 0, done.stderr
    assert runs(script) == [uri]
    assert rows(uri) == list(range(50))


def rank(script: Script, number: int, *around: str) -> None:
    """One of two, as torchrun starts it, which is our own process unless there is one `around`."""
    environ = {"RANK": str(number), "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "none"}
    command = (sys.executable, "inference.py")
    done = script.new_interpreter(*((*around, *command) if around else command[1:]), **environ)
    assert done.returncode == 0, done.stderr


def test_a_rank_that_comes_after_the_end_of_its_launch_begins_no_other_run(
    script: Script,
) -> None:
    """Its shard was sealed before, or it is started again because another rank has failed."""
    script.write("inference.py", CODE.replace("SECONDS", "0"))
    rank(script, 0)
    rank(script, 1)
    (uri,) = runs(script)
    rank(script, 0)
    assert runs(script) == [uri]
    assert rows(uri) == list(range(50))


def test_the_next_launch_begins_the_next_run_with_whichever_rank(script: Script) -> None:
    script.write("inference.py", CODE.replace("SECONDS", "0"))
    rank(script, 0)
    rank(script, 1)
    another = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    rank(script, 1, "-c", another)
    assert len(runs(script)) == 2


def test_a_launcher_and_a_context_that_disagree_are_told(script: Script) -> None:
    context = "import types\ncontext = types.SimpleNamespace(rank=0, size=2)\n"
    call = "checkpoint_interval=1, distributed_context=context)"
    code = context + CODE.replace("checkpoint_interval=1)", call).replace("SECONDS", "0")
    script.write("inference.py", code)
    done = script.python("inference.py", RANK="1", WORLD_SIZE="3")
    assert done.returncode == 1
    assert "1 of 3 by its environment, but distributed_context says 0 of 2" in done.stderr
    assert "Traceback" not in done.stderr
