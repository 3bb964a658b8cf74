"""Batches, rows, attempts and metrics over all shards. Pure."""

import sys
from dataclasses import dataclass
from typing import Any

from batchprocess.plain_text import plain
from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess_operator.model.conditions import Fact
from batchprocess_operator.model.job import SUCCESSFUL, Decision, Job
from batchprocess_operator.model.words import counted
from batchprocess_operator.observe.dataset import plan_of
from batchprocess_operator.observe.shards import Shards

_NAMED = "batchprocess results --errors names each"
_MAX_FLOAT = int(sys.float_info.max)


@dataclass(frozen=True)
class Totals:
    """Over all shards."""

    done: int
    total: int | None
    rows: int
    bad_rows: int
    attempts: int
    metrics: dict[str, Any] | None
    metrics_error: str | None


def totals_of(job: Job, shards: Shards, decision: Decision) -> Totals:
    """What the finalizer has counted; until it has, what was reported."""
    before, result = job.before, decision.result
    attempts = max(before.attempts or 0, sum(shards.attempts.values()))
    total = shards.batches_total
    if result is not None:
        return Totals(
            result.batches,
            result.batches if total is None else total,
            result.rows,
            result.bad_rows,
            result.attempts or attempts,
            _sendable(result.metrics) or None,
            None if result.metrics_error is None else plain(result.metrics_error),
        )
    metrics = before.metrics, before.metrics_error
    if decision.state in SUCCESSFUL and before.batches is not None:
        # The finalizer counted records: its result stands over what was reported.
        last = before.batches
        if before.state in SUCCESSFUL:
            attempts = before.attempts or 0
        rows = before.rows or 0, before.bad_rows or 0
        return Totals(last.done, last.total, *rows, attempts, *metrics)
    bad_rows = max(before.bad_rows or 0, shards.bad_rows)
    rows = committed_rows(job, shards), bad_rows
    return Totals(shards.batches_done, total, *rows, attempts, *metrics)


def bad_rows_told(job: Job, shards: Shards, decision: Decision) -> list[Fact]:
    """BadRows: True once a row was left out. What is reported only warns: records decide."""
    bad = totals_of(job, shards, decision).bad_rows
    if not bad:
        return []
    left_out = f"{counted(bad, 'row')} {'was' if bad == 1 else 'were'} left out"
    limit = None if decision.state in SUCCESSFUL else _limit(job, shards)
    if limit is not None and bad > limit.most:
        message = f"{left_out}, and failurePolicy.maxBadRows allows {limit.most}: with more the run"
        return [Fact("BadRows", True, "AboveLimit", f"{message} is not made final")]
    return [Fact("BadRows", True, "RowsLeftOut", f"{left_out}; {_NAMED}")]


def _limit(job: Job, shards: Shards) -> BadRowLimit | None:
    if shards.shape is None:
        return None
    policy, rows = job.body.spec.failure_policy, plan_of(job.body, shards.shape).processed_rows
    said = None if policy.max_bad_rows is None else str(policy.max_bad_rows)
    return BadRowLimit.of(policy.on_bad_row, said, rows)


def committed_rows(job: Job, shards: Shards) -> int:
    """Dataset rows in committed batches."""
    if shards.shape is None:
        return job.before.rows or 0
    plan = plan_of(job.body, shards.shape)
    # All batches are of one size but the last one, which the last shard that has any owns.
    owner = min(plan.shards, plan.batches) - 1
    first, end = plan.positions(owner, 0, shards.cursors[owner])
    missing = shards.cursors[owner] * plan.batch_size - (end - first)
    return sum(shards.cursors) * plan.batch_size - missing


def _sendable(value: Any) -> Any:
    """An integer that no float can hold is null, as NaN is: the API server takes no such number."""
    match value:
        case dict():
            return {key: _sendable(one) for key, one in value.items()}
        case list():
            return [_sendable(one) for one in value]
        case int() if abs(value) > _MAX_FLOAT:
            return None
    return value
