"""Which shard this process is, by its environment, its launcher or the call."""

from pathlib import Path

import pytest

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.setup.placement import find_placement

JOB = WorkerEnvironment(job="20260101T000000Z-x", job_name="j", run_uri="/r", shards=4, shard=2)


class Place:
    """A distributed context."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size


def test_our_environment_decides_the_shard_and_contradictions_are_named(tmp_path: Path):
    environ = JOB.to_env()
    assert find_placement(environ, None, None).shard == 2
    assert find_placement(environ, Place(2, 4), None).shard == 2
    with pytest.raises(InvalidArgument, match="2 of 4 by its environment.*0 of 1"):
        find_placement(environ, Place(0, 1), None)
    alone = {"BATCHPROCESS_OUTPUT": str(tmp_path)}
    assert find_placement(alone, Place(1, 3), Path("x.py")).shard == 1
    launched = find_placement({**alone, "RANK": "0", "WORLD_SIZE": "2"}, None, Path("x.py"))
    assert (launched.shard, launched.environment.shards, launched.alone) == (0, 2, True)
