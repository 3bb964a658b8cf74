"""What is said of a run that has ended, to people and as JSON."""

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from batchprocess.agent.local.local_run import LocalResult
from batchprocess.cli.output import plural
from batchprocess.cli.table import print_table
from batchprocess.protocol.run import Summary
from batchprocess.protocol.spent import Spent, advice


def result_json(result: LocalResult, uri: str, loaders: int | None) -> dict[str, Any]:
    """What --json prints: summary.json plus state and uri. `loaders`: see `loaders_of`."""
    summary = {} if result.summary is None else result.summary.model_dump(mode="json")
    return {
        **summary,
        "state": result.state,
        "uri": uri,
        "message": result.message,
        "spent": result.spent.model_dump(),
        "advice": advice(result.spent, loaders=loaders),
    }


def print_result(
    result: LocalResult, uri: str, rows: Sequence[dict[str, Any]], loaders: int | None
) -> None:
    """State, outputs and metrics, then the table of all shards."""
    print(f"state: {result.state}")
    print(f"outputs: {uri}")
    if result.summary is not None:
        print_summary(result.summary)
    print_spent(result.spent, loaders, sys.stderr)
    print_table(rows)


def print_spent(spent: Spent, loaders: int | None, stream: TextIO) -> None:
    """Where the time went, and what to change if too much of it was waited for data."""
    if spent.total:
        print(f"time: {spent.text()}", file=stream)
    if (text := advice(spent, loaders=loaders)) is not None:
        print(f"advice: {text}", file=stream)


def print_bad_rows(number: int) -> None:
    """How many rows were left out, if any were."""
    if number:
        print(f"bad rows, left out: {number}; batchprocess results --errors names each")


def print_rows_of(run: str | None) -> None:
    """Whose bad rows a run is over, if it is over such."""
    if run is not None:
        print(f"over: the rows that run {run} has left out")


def print_summary(summary: Summary) -> None:
    """Metrics, and what is missing."""
    print_rows_of(summary.badRowsOf)
    print_bad_rows(summary.badRows)
    if summary.skippedRows:
        print(f"left out by hand: {plural(summary.skippedRows, 'row')}")
    for name, value in summary.metrics.items():
        print(f"metric {name}: {value}")
    if summary.metricsError is not None:
        print(f"metrics failed: {summary.metricsError}")
    if summary.failedShards:
        print(f"failed shards: {', '.join(map(str, summary.failedShards))}")
