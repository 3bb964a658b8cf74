"""`batchprocess run`."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchprocess.agent.local.local_run import LocalResult, LocalRun
from batchprocess.agent.local.runner import run_local
from batchprocess.api.environment import s3_settings, worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.complete_run import NOTHING_NEW, changes_since
from batchprocess.cli.job_file import command_of, job_uri, loaders_of, read_job, warn_of_ignored
from batchprocess.cli.output import print_json
from batchprocess.cli.progress_view import open_view
from batchprocess.cli.rows.options import RowOptions, comes_before, runs_before
from batchprocess.cli.run_outcome import print_result, result_json
from batchprocess.cli.table import shard_rows
from batchprocess.ledger.finalize import finished
from batchprocess.ledger.job_settings import require_same_hparams
from batchprocess.ledger.run import ANOTHER, plan_of, read_run
from batchprocess.protocol.errors import (
    BatchProcessError,
    InvalidArgument,
    StorageDenied,
)
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.run import Asked, RunShape
from batchprocess.runs.local_runs import (
    Standing,
    job_id_after,
    latest_run,
    new_run_id,
    next_run,
    read_standing,
    start_run,
)
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage


def run_job(
    path: Path, *, fresh: bool, expect_new: bool, options: RowOptions, as_json: bool
) -> int:
    """Run the job file's job to its end; returns the exit code.

    `expect_new`: that of a run which was complete already is not 0.
    """
    job = read_job(path, options)
    warn_of_ignored(job)
    folder = open_storage(job_uri(job, path), s3_settings(job))
    try:
        before = latest_run(folder) if runs_before(job) else None
        run_id = choose_run(job, folder, fresh=fresh)
    except StorageDenied as error:
        # Nothing has begun, so nothing is waited for: as a worker would say it.
        raise InvalidArgument(str(error)) from error
    storage = folder.at(run_id)
    done = perform(finished(), storage)
    changed: list[str] = []
    if done is not None:
        changed = changes_since(job, path, storage)
        result = LocalResult("complete", ExitCode.SEALED, "", done, ())
    else:
        result = _run(job, path, storage)
        if before is not None and result.code == ExitCode.CANNOT_WORK and _never_began(storage):
            # Nothing was new, say: what is asked for without an id is what is there.
            start_run(folder, before)
    rows = _rows(storage, job, result)
    if result.state != "complete":
        print(f"{result.state}: {result.message}", file=sys.stderr)
    if result.state == "failed":
        _print_what_stays(rows, result.code)
    if as_json:
        print_json({**result_json(result, storage.uri, loaders_of(job)), "changed": changed})
    else:
        print_result(result, storage.uri, rows, loaders_of(job))
    return NOTHING_NEW if expect_new and done is not None else result.code


def _print_what_stays(rows: Sequence[dict[str, Any]], code: int) -> None:
    # Files of a run are as they were listed: mending a row there would be another run's.
    remedy = "raise maxBadRows" if code == ExitCode.TOO_MANY_BAD_ROWS else "mend the cause"
    done, total = (sum(row[name] for row in rows) for name in ("cursor", "total"))
    if done:
        print(
            f"{done} of {total} batches are committed and stay: {remedy}, then run it again to go "
            "on",
            file=sys.stderr,
        )


def choose_run(job: BatchProcessJob, folder: Storage, *, fresh: bool) -> str:
    """The pinned run, the latest, or a new one that becomes the latest."""
    if job.spec.run_id is not None:
        if fresh:
            raise InvalidArgument("--fresh cannot start another run: spec.runId pins this one")
        return job.spec.run_id
    latest = None if fresh else latest_run(folder)
    if latest is not None and not comes_before(job, folder.at(latest)):
        return latest
    if not fresh:
        return next_run(folder, latest, datetime.now(UTC))
    run_id = new_run_id(datetime.now(UTC))
    start_run(folder, run_id)
    return run_id


def _never_began(storage: Storage) -> bool:
    return perform(read_run(), storage) is None


def _run(job: BatchProcessJob, path: Path, storage: Storage) -> LocalResult:
    standing = read_standing(storage, job.spec.shards)
    job_id = job_id_after(datetime.now(UTC), standing.heads)
    print(where_it_begins(storage.uri, standing), file=sys.stderr)
    local = LocalRun(
        environment=worker_environment(job, run_uri=storage.uri, job_id=job_id),
        command=command_of(job),
        directory=path.absolute().parent,
        parallelism=max(job.spec.parallelism, 1),
        # Other numbers than the run's are refused by the first worker, with a better sentence.
        known=standing.progress() if len(standing.heads) == job.spec.shards else (),
        shape=None if standing.run is None else RunShape.of(plan_of(standing.run)),
        on_batch_error=job.spec.failure_policy.on_batch_error,
    )
    if standing.run is not None:
        # Workers compare too, but none starts where all shards are sealed and not yet finalized.
        require_same_hparams(Asked.of(local.environment), standing.run.asked, ANOTHER)
    view = open_view(sys.stderr)
    try:
        return run_local(local, view)
    finally:
        view.close()


def where_it_begins(uri: str, standing: Standing) -> str:
    """One line: a new run, or from where an old one goes on."""
    name = uri.rpartition("/")[2]
    if standing.run is None:
        return f"run {name} begins"
    plan, known = plan_of(standing.run), standing.progress()
    total = sum(plan.size(shard) for shard in range(plan.shards))
    done, sealed = sum(one.cursor for one in known), sum(one.sealed for one in known)
    return (
        f"run {name} goes on: {done} of {total} batches are committed, "
        f"{sealed} of {plan.shards} shards complete"
    )


def _rows(storage: Storage, job: BatchProcessJob, result: LocalResult) -> list[dict[str, Any]]:
    try:
        return shard_rows(read_standing(storage, job.spec.shards), result.failed)
    except BatchProcessError as error:
        # How the run ended matters more, and was told.
        print(f"the shards could not be looked at: {error}", file=sys.stderr)
        return []
