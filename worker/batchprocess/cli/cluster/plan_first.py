"""`batchprocess submit --plan`: what the job would do, before there is one."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from batchprocess.api.job import BatchProcessJob
from batchprocess.cli import plan_input, plan_warnings
from batchprocess.client import Jobs, PlanFailed
from batchprocess.plain_text import plain
from batchprocess.protocol.dry_run import DryRunAnswer

MAX_LINE = 500


def plan_first(
    jobs: Jobs, given: Mapping[str, Any], source: Path | None, *, ask: bool
) -> int | None:
    """The exit code with which submitting ends before it has begun; None to go on.

    On a terminal a person is asked. What is printed goes to stderr: stdout has the job.
    """
    try:
        counted = jobs.plan(given, source=source, notice=_tell)
    except PlanFailed as error:
        _tell(f"error: {error}")
        return error.code
    # A folder of code is not in it: nothing here depends on that.
    job = BatchProcessJob.model_validate(given)
    for line in plan_lines(job, counted):
        _tell(line)
    if ask and sys.stdin.isatty() and not click.confirm("submit it?", err=True):
        _tell("nothing was submitted")
        return 1
    return None


def plan_lines(job: BatchProcessJob, counted: DryRunAnswer) -> Iterator[str]:
    """What was counted and what is odd, plain."""
    for name in ("rows", "batches", "shards", "batchSize"):
        yield f"{name}: {getattr(counted, name)}"
    for line in plan_input.lines(counted.summary):
        yield plain(line, MAX_LINE)
    warnings = (
        *counted.warnings,
        *plan_warnings.of_cut(job, counted),
        *plan_input.warnings(job, counted.summary),
    )
    yield from (plain(f"warning: {one}", MAX_LINE) for one in warnings)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)
