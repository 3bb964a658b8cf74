"""`batchprocess plan`."""

from pathlib import Path
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.cli import plan_input, plan_tried, plan_warnings
from batchprocess.cli.commands import plan_rows
from batchprocess.cli.dry_run import count
from batchprocess.cli.job_file import job_uri, read_job, warn_of_ignored
from batchprocess.cli.output import duration, print_json
from batchprocess.cli.rows.options import RowOptions
from batchprocess.protocol.dry_run import DryRunAnswer
from batchprocess.protocol.errors import BatchProcessError


def plan_job(path: Path, *, try_batch: bool, options: RowOptions, as_json: bool) -> int:
    """Validate, count, estimate and warn; returns the exit code."""
    job = read_job(path, options)
    warn_of_ignored(job)
    uri = job_uri(job, path)
    goes_on = plan_warnings.run_to_go_on(job, uri)
    counted = count(job, path, try_batch=try_batch, run=goes_on)
    warnings = [
        *counted.warnings,
        *plan_warnings.of_cut(job, counted),
        *plan_warnings.of_machine(),
        *plan_input.warnings(job, counted.summary),
        *plan_tried.warnings(job, counted),
    ]
    unusable: BatchProcessError | None = None
    try:
        warnings += plan_warnings.of_storage(job, uri, counted)
    except BatchProcessError as error:
        unusable = error
    _print_plan(job, counted, {"outputs": uri, "warnings": warnings}, as_json=as_json)
    if unusable is not None:
        # The counts are worth having all the same.
        raise unusable
    return 0


def _print_plan(
    job: BatchProcessJob, counted: DryRunAnswer, found: dict[str, Any], *, as_json: bool
) -> None:
    seconds = _estimate(job, counted)
    if as_json:
        counts = counted.model_dump(mode="json", exclude={"run", "warnings", "input", "summary"})
        summary = counted.summary
        shown = None if summary is None else summary.model_dump(mode="json")
        rows = plan_rows.as_json(counted.run)
        print_json({**counts, **rows, "input": shown, **found, "estimatedSeconds": seconds})
        return
    for name in ("rows", "batches", "shards", "batchSize"):
        print(f"{name}: {getattr(counted, name)}")
    for line in plan_rows.lines(counted.run):
        print(line)
    for line in plan_input.lines(counted.summary):
        print(line)
    print(f"outputs: {found['outputs']}/<run>")
    if seconds is None:
        print("estimated: nothing yet; run plan again with --try to have some batches measured")
    else:
        workers = _workers(job)
        time = duration(max(seconds, 1))
        print(f"estimated: {time} with {workers} at a time, start-up not counted")
    for warning in found["warnings"]:
        print(f"warning: {warning}")


def _estimate(job: BatchProcessJob, counted: DryRunAnswer) -> float | None:
    each = counted.secondsPerBatch
    return None if each is None else each * counted.batches / _workers(job)


def _workers(job: BatchProcessJob) -> int:
    return min(max(job.spec.parallelism, 1), job.spec.shards)
