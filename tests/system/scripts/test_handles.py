"""What a dataset opens at its first row belongs to the worker that reads, and to nobody else."""

import json
import textwrap
from pathlib import Path

import pytest

from batchprocess.protocol.environment import WorkerEnvironment
from support.script_runs import Script

# Several loader workers, and the process around them, each of which reads rows by a handle.
SCRIPT = """
import json, os, subprocess, sys
from torch.utils.data import Dataset
from batchprocess import TorchBatchProcessor, torch_batch_process

BUILT = []


class Rows(Dataset):
    file = None
    fingerprint = "2,000 rows"

    def __len__(self):
        return 2_000

    def __getitem__(self, row):
        if self.file is None:
            self.file, self.opener = open("rows.bin", "rb"), os.getpid()
        self.file.seek(row * 512)
        # In small reads, between which another process with this handle would move it.
        number = int(b"".join(self.file.read(1) for _ in range(8)))
        return {"row": row, "number": number, "opener": self.opener, "reader": os.getpid(),
                "built": len(BUILT)}


class P(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        BUILT.append(1)
        if os.environ.pop("ANOTHER_FIRST", None):
            other = {**os.environ, "STOP_AT": "90"}
            assert subprocess.run([sys.executable, "job.py"], env=other).returncode == 1
        self.stop_at = int(os.environ.get("STOP_AT", -1))

    def process_batch(self, batch, batch_idx):
        if batch_idx == self.stop_at:
            raise RuntimeError("dies here")
        self.context.save("out.jsonl", batch)


torch_batch_process(P, Rows(), batch_size=10, checkpoint_interval=20,
                    dataloader_kwargs={"num_workers": 4})
"""


def prepared(script: Script) -> None:
    script.write("job.py", textwrap.dedent(SCRIPT))
    rows = b"".join(b"%08d" % row + bytes(504) for row in range(2_000))
    (script.folder / "rows.bin").write_bytes(rows)


def saved(folder: Path) -> list[dict[str, int]]:
    files = sorted((folder / "run" / "tables").glob("out/*.jsonl"))
    return [json.loads(line) for one in files for line in one.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("another", [{}, {"ANOTHER_FIRST": "1"}], ids=["alone", "moved cursor"])
def test_rows_are_read_through_handles_of_their_own_process(
    script: Script, another: dict[str, str]
) -> None:
    prepared(script)
    # As two pods of one job: of two scripts alone, the one that began later would take over.
    environment = WorkerEnvironment(
        job="20300101T000000Z-one", job_name="job", run_uri=str(script.folder / "run"), shards=1
    )
    done = script.new_interpreter("job.py", **environment.to_env(), **another)
    assert done.returncode == 0, done.stderr
    rows = saved(script.folder)
    assert [one["number"] for one in rows] == list(range(2_000)) == [one["row"] for one in rows]
    assert all(one["opener"] == one["reader"] for one in rows)
    # Workers are those that were started before the processor was built, also where another attempt
    # has committed meanwhile.
    assert {one["built"] for one in rows} == {0}
    if another:
        assert len({one["reader"] for one in rows}) == 8


PICKLED = """
import multiprocessing, os
from torch.utils.data import Dataset
from batchprocess import TorchBatchProcessor, torch_batch_process

class Rows(Dataset):
    fingerprint = "rows"
    def __init__(self):
        self.opener = os.getpid()
    def __getstate__(self):
        return {}
    def __setstate__(self, _):
        self.__init__()
    def __len__(self):
        return 8
    def __getitem__(self, row):
        return {"opener": self.opener, "reader": os.getpid()}

class P(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
    def process_batch(self, batch, batch_idx):
        self.context.save("out.jsonl", batch)

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    torch_batch_process(P, Rows(), batch_size=2, dataloader_kwargs={"num_workers": 2})
"""


@pytest.mark.slow
def test_workers_are_spawned_where_that_is_the_scripts_start_method(script: Script) -> None:
    """A dataset that drops its files when it is pickled would share them with forked workers."""
    script.write("job.py", PICKLED)
    done = script.new_interpreter("job.py")
    assert done.returncode == 0, done.stderr
    (run,) = script.folder.glob("*/*/*/run.json")
    files = run.parent.glob("tables/out/*.jsonl")
    rows = [json.loads(line) for one in files for line in one.read_text().splitlines()]
    assert len(rows) == 8
    assert all(one["opener"] == one["reader"] for one in rows)
