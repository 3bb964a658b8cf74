"""Options of a command that say which files and rows are wanted, beside what the job file says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.spec_parts import is_run_name
from batchprocess.cli.rows.skipped_rows import read_skipped_rows, require_few
from batchprocess.protocol.inputs.listing import run_name
from batchprocess.storage.base import Storage


@dataclass(frozen=True)
class RowOptions:
    """new_since, bad_rows_of: in place of the runs that the job file names, if it does. skip_rows:
    a file of rows that are left out besides those that the job leaves out.
    """

    new_since: str | None = None
    bad_rows_of: str | None = None
    skip_rows: Path | None = None

    def applied_to(self, job: BatchProcessJob) -> BatchProcessJob:
        """Raises InvalidArgument for a file that has no rows, a usage error for what cannot be."""
        if self.new_since is not None:
            job = _with_new_since(job, self.new_since)
        rows: dict[str, Any] = {}
        if self.bad_rows_of is not None:
            rows["bad_rows_of"] = _checked(self.bad_rows_of)
        if self.skip_rows is not None:
            more = {*job.spec.rows.skip, *read_skipped_rows(self.skip_rows)}
            rows["skip"] = require_few(sorted(more))
        wanted = job.spec.rows.model_copy(update=rows)
        return job.model_copy(update={"spec": job.spec.model_copy(update={"rows": wanted})})


def _with_new_since(job: BatchProcessJob, run: str) -> BatchProcessJob:
    if job.spec.input is None:
        raise click.UsageError("--new-since: the job has no spec.input, which names the files")
    given = job.spec.input.model_copy(update={"new_since": run})
    return job.model_copy(update={"spec": job.spec.model_copy(update={"input": given})})


def _checked(run: str) -> str:
    if not is_run_name(run):
        raise click.UsageError(
            f"--bad-rows-of: {run} must be a run's id, an absolute path, or an address"
        )
    return run


def runs_before(job: BatchProcessJob) -> list[str]:
    """Those that the job goes on from, by id or address: none of them can be the job's own."""
    since = None if job.spec.input is None else job.spec.input.new_since
    return [one for one in (since, job.spec.rows.bad_rows_of) if one is not None]


def comes_before(job: BatchProcessJob, run: Storage) -> bool:
    """Whether that very run is one of these."""
    me = run_name(run.uri, run.uri)
    return any(run_name(one, run.uri) == me for one in runs_before(job))
