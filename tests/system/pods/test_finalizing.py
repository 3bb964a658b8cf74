"""The finalizer as a pod: what it writes, when it is stopped, and what it makes of user code."""

import json
import signal
import time
from typing import Any

import pytest

from support.pod_runs import Pod
from support.storage.fault_proxy import FaultProxy
from support.storage.s3_server import Server

pytestmark = pytest.mark.slow
COUNTING = """
class Counting(Base):
    def __init__(self, context):
        super().__init__(context)
        self.rows = context.wrap_reducer(REDUCE, name="rows")
    def process_batch(self, batch, batch_idx):
        super().process_batch(batch, batch_idx)
        self.rows.update(len(batch))
    def on_checkpoint_start(self):
        if os.environ["BATCHPROCESS_ROLE"] == "finalize":
            raise AssertionError("no hook is called when finalizing")
        super().on_checkpoint_start()
go(Counting)
"""
FINALIZE: dict[str, Any] = {"role": "finalize"}


def counting(reduce: str) -> str:
    return f"def reduce(values):\n    {reduce}\n" + COUNTING.replace("REDUCE", "reduce")


SOUND = counting("return sum(values)")


def summary(pod: Pod) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((pod.folder / "run" / "summary.json").read_text())
    return read


def is_final(pod: Pod) -> bool:
    return (pod.folder / "run" / "_SUCCESS").exists()


def test_a_complete_run_is_made_final_and_a_second_time_changes_nothing(pod: Pod) -> None:
    assert pod.run(SOUND).code == 0
    ended = pod.run(SOUND, **FINALIZE)
    assert (ended.code, ended.last_line) == (0, "run run is final: 40 rows")
    assert ended.message["message"] == ended.last_line
    assert ended.message["result"]["rows"] == 40
    assert ended.message["result"]["metrics"] == {"rows": 40}
    first = summary(pod)
    assert pod.run(counting("return -1"), **FINALIZE).code == 0
    assert summary(pod) == first


def test_a_run_that_has_not_begun_is_told(pod: Pod) -> None:
    ended = pod.run(SOUND, **FINALIZE)
    assert ended.code == 93
    assert "run.json is missing: no attempt has begun" in ended.last_line


def test_an_open_shard_is_closed_as_failed(pod: Pod) -> None:
    broken = SOUND.replace("super().process_batch", "assert batch_idx < 4; super().process_batch")
    assert pod.run(broken).code == 90
    ended = pod.run(SOUND, **FINALIZE)
    assert ended.code == 0
    assert ended.message["result"]["failed_shards"] == 1
    read = summary(pod)
    assert (read["failedShards"], read["rows"], read["metrics"]) == ([0], 16, {"rows": 16})


def test_another_manifest_is_told(pod: Pod) -> None:
    assert pod.run(SOUND).code == 0
    (pod.folder / "run" / "manifest.jsonl").write_text("")
    ended = pod.run(SOUND, **FINALIZE)
    assert ended.code == 93
    assert "manifest.jsonl exists and differs" in ended.last_line
    assert not is_final(pod)


@pytest.mark.parametrize(
    ("reduce", "sentence"),
    [
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
        ("return object()", "a result of type object cannot be written as JSON"),
    ],
)
def test_an_exception_of_a_reducer_costs_the_metrics_only(
    pod: Pod, reduce: str, sentence: str
) -> None:
    assert pod.run(SOUND).code == 0
    ended = pod.run(counting(reduce), **FINALIZE)
    assert ended.code == 0
    assert sentence in ended.message["result"]["metrics_error"]
    assert (summary(pod)["metrics"], summary(pod)["rows"]) == ({}, 40)


def test_a_reducer_that_is_killed_is_tried_as_often_as_a_shard(pod: Pod) -> None:
    assert pod.run(SOUND).code == 0
    count = "open('tries', 'a').write('x')"
    ended = pod.run(
        counting(f"{count}; os.kill(os.getpid(), 9)"), max_retries_per_shard=1, **FINALIZE
    )
    assert ended.code == 0
    assert (pod.folder / "tries").read_text() == "xx"
    assert "ended with status -9 without reducing" in summary(pod)["metricsError"]


def test_a_reducer_that_takes_too_long_is_told_with_its_limit(pod: Pod) -> None:
    assert pod.run(SOUND).code == 0
    hangs = counting("time.sleep(600)")
    assert pod.run(hangs, **FINALIZE, start_seconds=5, max_retries_per_shard=0).code == 0
    assert summary(pod)["metricsError"] == (
        "reducing took too long (timeouts.startSeconds = 5: raise it if it needs longer)"
    )


def test_a_finalizer_that_was_asleep_blames_no_reducer(pod: Pod) -> None:
    assert pod.run(SOUND).code == 0
    slow = counting("open('reduces', 'w').close(); time.sleep(9.5); return sum(values)")
    process = pod.start(slow, **FINALIZE, start_seconds=7, max_retries_per_shard=0)
    pod.wait_for((pod.folder / "reduces").exists)
    process.send_signal(signal.SIGSTOP)
    time.sleep(8)
    process.send_signal(signal.SIGCONT)
    assert pod.end(process).code == 0
    assert summary(pod)["metrics"] == {"rows": 40}


def test_a_stop_while_reducing_publishes_nothing(pod: Pod) -> None:
    assert pod.run(SOUND).code == 0
    process = pod.start(counting("open('begun', 'w').close(); time.sleep(600)"), **FINALIZE)
    pod.wait_for((pod.folder / "begun").exists)
    ended = pod.stop(process)
    assert (ended.code, ended.message["code"]) == (85, 85)
    assert "stopped before the run was final" in ended.last_line
    assert not is_final(pod)
    assert pod.run(SOUND, **FINALIZE).code == 0


def test_a_stop_while_the_store_is_away_ends_at_once(
    pod: Pod, gateway: Server, proxy: FaultProxy
) -> None:
    settings = gateway.through(proxy.endpoint).settings()
    on_s3 = {"run_uri": f"s3://{gateway.bucket}/run", "s3": settings}
    assert pod.run(SOUND, **on_s3).code == 0
    proxy.outage.set()
    process = pod.start(SOUND, storage_deadline_seconds=600, **on_s3, **FINALIZE)
    pod.wait_for(lambda: proxy.done["outage"] > 2)
    began = time.monotonic()
    assert pod.stop(process).code == 85
    assert time.monotonic() - began < 60
