"""The documents of a run that is final, as pure functions of its sealed ledgers.

One record at a time is looked at: a run may have a million files.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.records import Claim, Commit, Seal
from batchprocess.protocol.run import ManifestRow, RunInfo, Summary, parse_time


@dataclass(frozen=True, slots=True)
class Reduction:
    """Result of the user's reducers, or why there is none. Outputs count either way."""

    metrics: Mapping[str, Any]
    error: str | None = None


def manifest_lines(ledgers: Iterable[ShardLedger]) -> Iterator[bytes]:
    """Every committed file, sorted by shard, seq and name, if the ledgers are in shard order."""
    for ledger in ledgers:
        for body in ledger.bodies:
            for item in sorted(body.files, key=lambda item: item.name):
                row = ManifestRow(
                    shard=body.shard,
                    seq=body.seq,
                    batches=body.batches,
                    rows=body.rows,
                    **item.model_dump(),
                )
                yield f"{row.model_dump_json()}\n".encode()


def manifest_digest(ledgers: Iterable[ShardLedger]) -> str:
    """sha256 of manifest.jsonl, in hex, without the memory that the whole of it takes."""
    digest = hashlib.sha256()
    for line in manifest_lines(ledgers):
        digest.update(line)
    return digest.hexdigest()


def summarize(
    run_id: str,
    run: RunInfo,
    ledgers: Iterable[ShardLedger],
    reduced: Reduction,
    now: str,
    without_delta: Mapping[str, str] | None = None,
) -> Summary:
    """summary.json of sealed ledgers; `rows` and `batches` count what is committed.

    `without_delta`: why tables have no log of Delta Lake, by name.
    """
    total = _Totals()
    for ledger in ledgers:
        total.add(ledger)
    return Summary(
        runId=run_id,
        job=total.job,
        rows=total.rows,
        batches=total.batches,
        shards=run.shards,
        failedShards=tuple(total.failed),
        files=total.files,
        bytes=total.bytes,
        attempts=total.attempts,
        startedAt=total.started,
        finishedAt=now,
        durationSeconds=_seconds(total.started, now),
        metrics=dict(reduced.metrics),
        metricsError=reduced.error,
        models=tuple(total.models),
        badRows=total.bad_rows,
        skippedRows=total.skipped,
        badRowsOf=None if run.listed is None else run.listed.bad_rows_of,
        withoutDeltaLog=dict(without_delta or {}),
    )


def bad_rows_of(ledgers: Iterable[ShardLedger]) -> int:
    """Rows that were left out of what is committed, but for those left out by hand."""
    bodies = (body for ledger in ledgers for body in ledger.bodies)
    return sum(body.bad_rows.count for body in bodies if body.bad_rows is not None)


@dataclass
class _Totals:
    """Sums over ledgers, of which one at a time is looked at."""

    job: str = ""
    rows: int = 0
    bad_rows: int = 0
    skipped: int = 0
    batches: int = 0
    failed: list[int] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    attempts: int = 0
    started: str | None = None
    models: list[dict[str, Any]] = field(default_factory=list)

    def add(self, ledger: ShardLedger) -> None:
        """Count one shard."""
        for stored in ledger.records:
            record = stored.record
            self.job = max(self.job, record.job)
            self.started = min(self.started or record.at, record.at)
            if isinstance(record, Claim):
                self.attempts += 1
            else:
                self._add_body(record)
        self.batches += ledger.cursor
        if ledger.outcome == "abandoned":
            self.failed.append(ledger.shard)

    def _add_body(self, body: Commit | Seal) -> None:
        self.rows += body.rows[1] - body.rows[0]
        if body.bad_rows is not None:
            self.bad_rows += body.bad_rows.count
            self.skipped += body.bad_rows.skipped
        self.files += len(body.files)
        self.bytes += sum(item.size for item in body.files)
        self.models += [model for model in body.models if model not in self.models]


def _seconds(started: str | None, now: str) -> float | None:
    begun, ended = parse_time(started or ""), parse_time(now)
    return None if begun is None or ended is None else (ended - begun).total_seconds()
