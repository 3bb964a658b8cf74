"""How far every shard of a run is, in the same words wherever it is shown."""

from collections.abc import Collection, Sequence
from typing import Any, Literal

from batchprocess.ledger.run import plan_of
from batchprocess.protocol.records import Commit, Seal
from batchprocess.runs.local_runs import Standing

ShardState = Literal["pending", "open", "complete", "failed"]
"""`failed`: closed without its rest, or given up just now. `pending`: nobody has begun it."""


def shard_rows(standing: Standing, failed: Collection[int] = ()) -> list[dict[str, Any]]:
    """A row per shard: shard, cursor, total, state, lastRecord, spent. Empty before the run."""
    if standing.run is None:
        return []
    plan = plan_of(standing.run)
    return [
        {
            "shard": shard,
            "cursor": head.record.cursor if head else 0,
            "total": plan.size(shard),
            "state": _state(head.record if head else None, given_up=shard in failed),
            "lastRecord": head.record.at if head else None,
            "spent": _spent(head.record if head else None),
        }
        for shard, head in enumerate(standing.heads)
    ]


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """The rows, for a person."""
    if rows:
        print(f"{'shard':>5} {'batches':>15}  state")
    for row in rows:
        print(f"{row['shard']:>5} {row['cursor']:>7}/{row['total']:<7}  {row['state']}")


def _state(record: object, *, given_up: bool) -> ShardState:
    if isinstance(record, Seal):
        return "complete" if record.outcome == "complete" else "failed"
    if given_up:
        return "failed"
    return "pending" if record is None else "open"


def _spent(record: object) -> dict[str, float] | None:
    spent = record.spent if isinstance(record, Commit | Seal) else None
    return None if spent is None else spent.model_dump()
