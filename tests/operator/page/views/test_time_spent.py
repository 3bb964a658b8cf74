"""Where the time goes."""

from typing import Any

import pytest

from batchprocess.protocol.progress import ShardProgress
from batchprocess_operator.page.views.time_spent import TimeSpent, time_spent


def spent(*of: dict[str, float] | None, phase: str = "running", **more: Any) -> TimeSpent:
    known = {"seq": 1, "cursor": 0, "total": 1, "processed": 0, "phase": phase, **more}
    return time_spent(
        ShardProgress.model_validate({"shard": k, "spent": one, **known})
        for k, one in enumerate(of)
    )


def test_all_shards_are_added_up():
    found = spent({"data": 10, "device": 80}, {"user": 5, "storage": 5}, None)
    assert {one.name: one.percent for one in found.shares} == {
        "computing on the device": 80,
        "your code": 5,
        "waiting for data": 10,
        "waiting for storage": 5,
    }
    assert (found.shards, found.phases, found.hint) == (2, "3 running", "")


def test_batches_that_run_side_by_side_are_waited_for_and_no_device_is():
    found = spent({"waiting": 60, "user": 20}, {"data": 10, "storage": 10})
    assert [(one.name, one.percent) for one in found.shares] == [
        ("waiting for batches under way", 60),
        ("your code", 20),
        ("waiting for data", 10),
        ("waiting for storage", 10),
    ]


def test_a_job_that_waits_for_data_is_told_what_to_change():
    assert "dataloader.numWorkers" in spent({"data": 50, "device": 50}).hint


def test_nothing_is_said_while_nobody_has_told():
    assert spent() == TimeSpent([], 0, "", "")
    assert spent(None, sealed=True).phases == ""


@pytest.mark.hostile
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e300])
@pytest.mark.parametrize("part", ["data", "waiting"])
def test_times_of_nonsense_do_not_count(part: str, value: float):
    found = spent({part: value}, {"device": 3})
    assert (found.shards, found.shares[0].percent) == (1, 100)
