"""The whole object stays below 200 KiB at 10,000 shards, managedFields and all."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest

from batchprocess.kube.index_ranges import format_ranges
from batchprocess.protocol.run import RunShape
from batchprocess_operator.model.names import FIELD_MANAGER
from batchprocess_operator.model.reported import Reported, ShardReport
from batchprocess_operator.observe.read_job import status_body
from support.operator.objects import NOW, WORKER, child, job, job_object, plan, pod

pytestmark = pytest.mark.hostile

SHARDS, LIMIT = 10_000, 200 * 1024
BATCHES = 20_000
"""Of a shard: 200 million batches in all."""


def fields_of(value: Any) -> dict[str, Any]:
    """FieldsV1 of a value as the API server writes it: lists are atomic but conditions."""
    if not isinstance(value, dict):
        return {}
    return {f"f:{key}": fields_of(item) for key, item in value.items()}


def managed(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What the API server keeps about who wrote which field: a user the spec, we the status."""
    status = fields_of(body["status"])
    status["f:conditions"] = {
        f'k:{{"type":"{one["type"]}"}}': fields_of(one) | {".": {}}
        for one in body["status"]["conditions"]
    }
    entries = [("kubectl", {"f:spec": fields_of(body["spec"])}, None)]
    entries.append((FIELD_MANAGER, {"f:status": status}, "status"))
    return [
        {
            "manager": manager,
            "operation": "Update",
            "apiVersion": "batchprocess.dev/v1alpha1",
            "time": "2030-01-01T12:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
            "subresource": subresource,
        }
        for manager, fields, subresource in entries
    ]


def a_report(shard: int, chosen: random.Random) -> ShardReport:
    long_ago = NOW - timedelta(hours=1)
    claim, cursor = chosen.randrange(100, 1000), chosen.randrange(10_000, BATCHES)
    done = BATCHES - 1
    return ShardReport(shard, claim, cursor, BATCHES, done, "running", False, NOW, long_ago, 0.123)


def whole(sealed: set[int], failed: set[int], running: list[int]) -> tuple[int, dict[str, Any]]:
    """Bytes of the object as the API server stores it, and its status."""
    chosen = random.Random(1)
    status = {"completedIndexes": format_ranges(sealed), "failedIndexes": format_ranges(failed)}
    made = child(completions=SHARDS, parallelism=1000, status=status | {"succeeded": len(sealed)})
    reports = {shard: a_report(shard, chosen) for shard in range(SHARDS) if shard not in sealed}
    shape = RunShape(rows=SHARDS * BATCHES * 64, batch_size=64, batches=SHARDS * BATCHES)
    one = job(shards=SHARDS, parallelism=1000)
    pods = [pod(k, name=f"{WORKER}-{k}") for k in running]
    planned = plan(one, [made], pods, reported=Reported(reports, shape))
    stored = job_object(shards=SHARDS, parallelism=1000)
    body = status_body(stored, planned.status) | {"spec": stored["spec"]}
    body["metadata"]["managedFields"] = managed(body)
    return len(json.dumps(body, separators=(",", ":")).encode()), body["status"]


def every(step: int, first: int) -> set[int]:
    return set(range(first, SHARDS, step))


@pytest.mark.parametrize(
    ("sealed", "failed", "running"),
    [
        (set(), set(), []),
        (set(), set(), list(range(SHARDS))),
        (set(), set(range(SHARDS)), []),
        (every(2, 0), set(), list(range(1, SHARDS, 2))),
        (every(3, 0), every(3, 1), []),
        (every(3, 0), every(3, 1), list(range(2, SHARDS, 6))),
        (set(range(SHARDS)), set(), []),
    ],
    ids=["fresh", "all-run", "all-failed", "half-run", "thirds", "mixed", "all-sealed"],
)
def test_ten_thousand_shards_fit_in_whatever_state_they_are(sealed, failed, running) -> None:
    size, status = whole(sealed, failed, running)
    assert size < LIMIT, f"{size / 1024:.0f} KiB"
    assert len(status["shardProgress"]) <= 200
    assert status["shards"]["total"] == SHARDS


def test_the_message_of_a_stall_of_all_shards_is_bounded() -> None:
    _, status = whole(set(), set(), list(range(0, SHARDS, 2)))
    assert all(len(one["message"]) <= 1024 for one in status["conditions"])
