"""What is wrong with a script is said in one and the same sentence, however it is started."""

import pytest

from support.script_runs import Script, script

pytestmark = pytest.mark.slow
__all__ = ["script"]
CODE = """
from torch.utils.data import IterableDataset
from batchprocess import TorchBatchProcessor, torch_batch_process

class Lame(TorchBatchProcessor):
    def __init__(self, context):
        pass

class Sound(Lame):
    def process_batch(self, batch, batch_idx):
        pass

class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(8))

"""
CALLS = {
    "torch_batch_process(Lame, [1, 2], batch_size=1)": (
        "the processor Lame lacks process_batch(self, batch, batch_idx): define it there"
    ),
    "torch_batch_process(Sound, Stream(), batch_size=1)": (
        "Stream cannot be read row by row: it is a stream, read from its front only, so that a "
        "restart could not find its place; give a class with __len__ and __getitem__ that reads "
        "row i, or list(...) of it if memory holds all rows"
    ),
    "torch_batch_process([1, 2], Sound, batch_size=1)": (
        "torch_batch_process got an object of list first and the processor Sound second: give the "
        "processor's class first, then the dataset"
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_call_is_told_alone_by_run_and_by_plan(script: Script, call: str) -> None:
    script.write("inference.py", CODE + call + "\n")
    script.job(command=["python", "inference.py"])
    alone = script.python("inference.py")
    assert alone.returncode == 1
    assert CALLS[call] in alone.stderr.splitlines()
    run = script.batchprocess("run", "job.yaml")
    assert run.returncode == 91
    assert f"failed: {CALLS[call]}" in run.stderr.splitlines()
    plan = script.batchprocess("plan", "job.yaml")
    assert plan.returncode == 91
    assert plan.stderr.splitlines()[-1].endswith(CALLS[call])
    for said in (alone, run, plan):
        assert "Traceback" not in said.stderr
