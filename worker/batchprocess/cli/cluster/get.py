"""`batchprocess get`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from batchprocess.cli.cluster.job_text import COLUMNS, columns
from batchprocess.cli.cluster.objects import Form, print_object, print_objects
from batchprocess.client import ClusterJob, Jobs
from batchprocess.client.snapshot import Unreadable
from batchprocess.protocol.errors import InvalidArgument


def show_jobs(
    names: Sequence[str],
    *,
    selector: str | None,
    namespace: str | None,
    context: str | None,
    form: Form | None,
) -> None:
    """A table of jobs, or their objects. Raises NotFound for a name that is not there."""
    if names and selector is not None:
        raise InvalidArgument("jobs are named or selected by labels, not both")
    jobs = Jobs(namespace, context)
    found = map(jobs.get, names) if names else jobs.list(selector)
    if form is None:
        _print_table(found, jobs.namespace)
    elif len(names) == 1:
        print_object(next(found).raw, form)
    else:
        print_objects((job.raw for job in found), form)


def _print_table(jobs: Iterator[ClusterJob], namespace: str) -> None:
    now = datetime.now(UTC)
    rows = [COLUMNS, *(_cells(job, now) for job in jobs)]
    if len(rows) == 1:
        print(f"no jobs in namespace {namespace}")
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _cells(job: ClusterJob, now: datetime) -> tuple[str, ...]:
    try:
        return columns(job, now)
    except Unreadable:
        # Of another release: that one job must not hide the others.
        return (job.name, "?", *[""] * (len(COLUMNS) - 3), "Unreadable")
