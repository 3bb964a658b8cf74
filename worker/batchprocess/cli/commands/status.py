"""`batchprocess status`."""

import sys
from typing import Any

from batchprocess.cli import sources
from batchprocess.cli.output import print_json
from batchprocess.cli.run_outcome import (
    print_bad_rows,
    print_rows_of,
    print_spent,
    print_summary,
)
from batchprocess.cli.table import print_table, shard_rows
from batchprocess.cli.target import Target, find_target
from batchprocess.ledger.finalize import finished
from batchprocess.protocol.run import Summary
from batchprocess.protocol.spent import Spent, advice, sum_of
from batchprocess.runs.bad_rows.of_run import bad_rows_by_shard
from batchprocess.runs.failure_notes import Failure, last_failures
from batchprocess.runs.local_runs import Standing, read_standing
from batchprocess.runs.perform import perform


def show_status(target: str, *, as_json: bool) -> None:
    """Read the head of every ledger and print one line a shard."""
    found = find_target(target)
    summary = perform(finished(), found.storage)
    standing = read_standing(found.storage, found.run.shards)
    rows = shard_rows(standing)
    bad_rows = _bad_rows(found, standing, summary)
    open_at = {row["shard"]: row["cursor"] for row in rows if row["state"] == "open"}
    failures = last_failures(found.storage, open_at)
    done, total = (sum(row[name] for row in rows) for name in ("cursor", "total"))
    spent = sum_of(Spent(**row["spent"]) for row in rows if row["spent"])
    state = "complete" if summary is not None else "incomplete"
    if as_json:
        print_json(
            {
                "uri": found.storage.uri,
                "runId": found.run_id,
                "state": state,
                "batches": {"done": done, "total": total},
                "badRows": bad_rows,
                "badRowsOf": _rows_of(found),
                "spent": spent.model_dump(),
                "source": sources.as_json(standing),
                "advice": advice(spent, loaders=found.loaders),
                "shards": [
                    {**row, "lastFailure": _failure_json(failures.get(row["shard"]))}
                    for row in rows
                ],
                "summary": None if summary is None else summary.model_dump(mode="json"),
            }
        )
        return
    print(f"state: {state}")
    print(f"outputs: {found.storage.uri}")
    print(f"batches: {done}/{total}")
    if summary is None:
        print_rows_of(_rows_of(found))
        print_bad_rows(bad_rows)
    print_spent(spent, found.loaders, sys.stdout)
    sources.print_sources(standing)
    if summary is not None:
        print_summary(summary)
    print_table(rows)
    _print_failures(failures)


def _bad_rows(found: Target, standing: Standing, summary: Summary | None) -> int:
    """Committed ones, of all shards."""
    if summary is not None:
        return summary.badRows
    return sum(bad_rows_by_shard(found.storage, standing.heads))


def _rows_of(found: Target) -> str | None:
    return None if found.run.listed is None else found.run.listed.bad_rows_of


def _failure_json(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    at = None if failure.at is None else failure.at.isoformat()
    return {"batch": failure.batch, "error": failure.error, "at": at}


def _print_failures(failures: dict[int, Failure]) -> None:
    if failures:
        print("last failures seen (a worker may be at these shards again):")
    for shard, failure in failures.items():
        at = "" if failure.at is None else f"{failure.at:%Y-%m-%d %H:%M:%S} UTC: "
        print(f"{shard:>5} {at}{failure.error}")
