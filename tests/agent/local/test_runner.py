"""What a local run's processes are given of the machine."""

import re

import pytest

from support.rows_job import CODE, SPEC
from support.script_runs import Script, script

pytestmark = pytest.mark.slow
__all__ = ["script"]


@pytest.mark.parametrize(
    ("worker", "seen"),
    [
        ({"gpus": 1}, {"0", "1"}),
        ({"gpus": 2}, {"0,1"}),
        ({"gpus": 2, "processesPerWorker": 2}, {"0", "1"}),
        ({"gpus": 8}, {"0,1"}),
        ({"gpus": 4, "processesPerWorker": 2}, {"0,1", "2,3"}),
    ],
)
def test_a_process_alone_has_all_gpus_of_its_worker_and_several_have_their_part(
    script: Script, worker: dict[str, int], seen: set[str]
) -> None:
    told = "import os\nprint('sees', os.environ['CUDA_VISIBLE_DEVICES'])\n"
    script.write("rows.py", f"{told}{CODE}")
    there = "0,1,2,3" if worker["gpus"] == 4 else "0,1"
    script.job(**SPEC | {"worker": worker, "shards": 4, "parallelism": 2})
    done = script.batchprocess("run", "job.yaml", CUDA_VISIBLE_DEVICES=there)
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"\[shards? [0-9, -]+\] sees (\S+)", done.stderr)) == seen
