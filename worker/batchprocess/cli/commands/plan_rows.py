"""What `batchprocess plan` says of a job that wants some rows of its dataset only."""

from collections.abc import Iterator
from typing import Any

from batchprocess.cli.output import plural
from batchprocess.protocol.rows.dataset_rows import said
from batchprocess.protocol.run import RunInfo


def lines(run: RunInfo) -> Iterator[str]:
    """For a person, a line each."""
    if run.listed is not None:
        whole = plural(run.listed.dataset_rows, "row")
        yield f"over: the rows that run {run.listed.bad_rows_of} has left out, of {whole}"
    skipped = _skipped(run)
    if skipped:
        yield f"left out by hand, where they are among these: {said(skipped)}"


def as_json(run: RunInfo) -> dict[str, Any]:
    """Null and empty where all rows are wanted."""
    listed = run.listed
    return {
        "badRowsOf": None if listed is None else listed.bad_rows_of,
        "datasetRows": run.rows if listed is None else listed.dataset_rows,
        "skip": _skipped(run),
    }


def _skipped(run: RunInfo) -> list[int]:
    asked = None if run.asked is None else run.asked.rows
    return [] if asked is None else list(asked.skip)
