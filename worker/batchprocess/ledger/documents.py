"""The documents of a run that is final, as pure functions of its sealed ledgers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.run import ManifestRow, RunInfo, Summary


@dataclass(frozen=True, slots=True)
class Reduction:
    """Result of the user's reducers, or why there is none. Outputs count either way."""

    metrics: Mapping[str, Any]
    error: str | None = None


def manifest_of(ledgers: Iterable[ShardLedger]) -> bytes:
    """manifest.jsonl: every committed file, sorted by shard, seq and name."""
    rows = [
        ManifestRow(
            shard=body.shard,
            seq=body.seq,
            batches=body.batches,
            rows=body.rows,
            **item.model_dump(),
        )
        for ledger in ledgers
        for body in ledger.bodies
        for item in body.files
    ]
    rows.sort(key=lambda row: (row.shard, row.seq, row.name))
    return "".join(row.model_dump_json() + "\n" for row in rows).encode()


def summarize(
    run_id: str, run: RunInfo, ledgers: Sequence[ShardLedger], reduced: Reduction, now: str
) -> Summary:
    """summary.json of sealed ledgers; `rows` and `batches` count what is committed."""
    stored = [entry for ledger in ledgers for entry in ledger.records]
    bodies = [body for ledger in ledgers for body in ledger.bodies]
    started = min((entry.record.at for entry in stored), default=None)
    return Summary(
        runId=run_id,
        job=max((entry.record.job for entry in stored), default=""),
        rows=sum(body.rows[1] - body.rows[0] for body in bodies),
        batches=sum(ledger.cursor for ledger in ledgers),
        shards=run.shards,
        failedShards=tuple(one.shard for one in ledgers if one.outcome == "abandoned"),
        files=sum(len(body.files) for body in bodies),
        bytes=sum(item.size for body in bodies for item in body.files),
        attempts=sum(ledger.claims for ledger in ledgers),
        startedAt=started,
        finishedAt=now,
        durationSeconds=_seconds(started, now),
        metrics=dict(reduced.metrics),
        metricsError=reduced.error,
        models=_distinct(model for body in bodies for model in body.models),
    )


def _seconds(started: str | None, now: str) -> float | None:
    if started is None:
        return None
    return (datetime.fromisoformat(now) - datetime.fromisoformat(started)).total_seconds()


def _distinct(models: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    seen: list[dict[str, Any]] = []
    for model in models:
        if model not in seen:
            seen.append(model)
    return tuple(seen)
