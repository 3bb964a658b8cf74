"""What the operator hears of a real worker, and that a worker does not need to be heard."""

import socket
from dataclasses import replace

import pytest

from batchprocess.protocol.run import RunShape
from support.operator.fake_pods import POD
from support.operator.progress_server import ProgressServer, progress_server
from support.pod_runs import Pod

pytestmark = pytest.mark.slow


FAILS_ONCE = """
class Once(Base):
    def process_batch(self, batch, batch_idx):
        if batch_idx == 7 and not pathlib.Path("failed").exists():
            pathlib.Path("failed").touch()
            raise ValueError("no")
        super().process_batch(batch, batch_idx)
go(Once)
"""


def told(server: ProgressServer, pod: Pod) -> dict[str, str]:
    """The part of a worker's environment that names the server."""
    server.pods.pods[POD.uid] = replace(POD, shards=frozenset({0}))
    token_file = pod.folder / "token"
    token_file.write_text(server.issuer.token(POD))
    return {
        "progress_url": server.url,
        "progress_ca": server.ca,
        "progress_token_file": str(token_file),
    }


def test_the_operator_hears_the_shape_the_claim_and_the_seal(pod):
    with progress_server() as server:
        ended = pod.run("go()", **told(server, pod))
    assert ended.code == 0
    assert ended.message["run"] == {"rows": 40, "batch_size": 4, "batches": 10}
    last = server.arrivals.taken[-1]
    assert last.run == RunShape(rows=40, batch_size=4, batches=10)
    (shard,) = last.shards
    assert (shard.seq, shard.cursor, shard.total, shard.processed) == (1, 10, 10, 10)
    assert shard.sealed
    assert server.arrivals.store.newest(POD.job_uid)[0].progress == shard


def test_a_second_attempt_reports_under_its_own_claims_number(pod):
    with progress_server() as server:
        settings = told(server, pod)
        assert pod.run(FAILS_ONCE, **settings).code == 90
        first = server.arrivals.store.newest(POD.job_uid)[0].progress
        assert pod.run(FAILS_ONCE, **settings).code == 0
        second = server.arrivals.store.newest(POD.job_uid)[0].progress
    # Claim 1, commits 2 to 4 up to batch 6, claim 5.
    assert (first.seq, first.cursor, first.sealed) == (1, 6, False)
    assert (second.seq, second.cursor, second.sealed) == (5, 10, True)


def test_a_worker_that_is_not_heard_does_all_its_work(pod):
    with socket.create_server(("127.0.0.1", 0)) as hanging, progress_server() as server:
        settings = told(server, pod)
        settings["progress_url"] = f"https://127.0.0.1:{hanging.getsockname()[1]}"
        ended = pod.run("go()", **settings)
    assert ended.code == 0
    assert ended.last_line == "shard 0 is complete"
    assert pod.rows() == [float(row) for row in range(40)]
