"""Children of one pod have cores and threads of their own."""

import os
from pathlib import Path

import pytest

from support.pod_runs import Pod

pytestmark = pytest.mark.slow

SCRIPT = """
class Telling(Base):
    def __init__(self, context):
        super().__init__(context)
        cores = sorted(os.sched_getaffinity(0))
        shard = context.get_distributed_rank()
        threads = os.environ.get("OMP_NUM_THREADS")
        pathlib.Path(f"cores-{shard}").write_text(f"{cores} {threads}")
go(Telling)
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores to share out")
def test_each_child_has_its_share_of_the_cores(pod: Pod, tmp_path: Path) -> None:
    ended = pod.run(SCRIPT, shards=2, processes_per_worker=2)
    assert ended.code == 0, ended.stderr
    cores = sorted(os.sched_getaffinity(0))
    half = len(cores) // 2
    first, second = ((tmp_path / f"cores-{shard}").read_text() for shard in range(2))
    assert first.startswith(str(cores[:half]))
    assert second.startswith(str(cores[half:]))
    assert int(first.split()[-1]) <= half
