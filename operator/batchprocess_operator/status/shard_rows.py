"""`shardProgress`: the shards that a person would look at, at most 200. Pure."""

from collections.abc import Mapping

from batchprocess.api.status import MAX_ROWS, ShardProgress, Status
from batchprocess_operator.model.reported import ShardReport
from batchprocess_operator.observe.shards import Shards


def shard_rows(
    shards: Shards, reports: Mapping[int, ShardReport], before: Status, *, final: bool
) -> list[ShardProgress]:
    """Failed shards first, then those that run, each in order; at the end none runs."""
    known = {row.shard: row for row in before.shard_progress or ()}
    running = () if final else sorted(shards.running)
    chosen = [*sorted(shards.failed), *running][:MAX_ROWS]
    return [_row(shard, shards, reports.get(shard), known) for shard in chosen]


def _row(
    shard: int, shards: Shards, report: ShardReport | None, known: Mapping[int, ShardProgress]
) -> ShardProgress:
    before = known.get(shard)
    cursor = shards.cursors[shard]
    if before is not None and before.cursor == cursor:
        committed = before.last_commit_time
    else:
        committed = None if report is None or cursor == 0 else report.received
    counted = before.total if before is not None else None
    if report is not None:
        counted = report.total or counted
    return ShardProgress(
        shard=shard,
        cursor=cursor,
        total=counted if shards.sizes is None else shards.sizes[shard],
        state="failed" if shard in shards.failed else "running",
        attempts=max(shards.attempts.get(shard, 0), before.attempts if before else 0),
        last_commit_time=committed,
    )
