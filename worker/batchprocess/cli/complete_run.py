"""A run that is complete already: what it was asked for, and what has changed since."""

import sys
from collections.abc import Iterator
from pathlib import Path

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.changed_input import as_the_run_reads_it, sentences
from batchprocess.cli.dry_run import count
from batchprocess.ledger.inputs.listing import read_listing, require_same_since
from batchprocess.ledger.job_settings import require_as_asked
from batchprocess.ledger.run import ANOTHER, read_run, require_same
from batchprocess.protocol.dry_run import DryRunAnswer
from batchprocess.protocol.errors import BatchProcessError, RunMismatch
from batchprocess.protocol.inputs.listing import source_id
from batchprocess.protocol.run import Asked, RunInfo
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage

NOTHING_NEW = 3
"""Exit code of `run --expect-new` where there was nothing to do."""


def changes_since(job: BatchProcessJob, path: Path, storage: Storage) -> list[str]:
    """Tell what has changed since the run was begun, a sentence each.

    Old results are not those of other data or code, and must not pass for them in silence. Raises
    RunMismatch if the job asks for something else.
    """
    run_id = storage.uri.rpartition("/")[2]
    stored = perform(read_run(), storage)
    _require_as_asked(job, stored, storage)
    _require_since_as_asked(job, storage)
    print(f"run {run_id} is complete; --fresh starts another", file=sys.stderr)
    try:
        counted = count(
            job,
            path,
            seconds=job.spec.timeouts.start_seconds,
            run=storage.uri,
            compare_only=True,
        )
    except BatchProcessError as error:
        found = [f"whether data or code have changed since could not be seen: {error}"]
    else:
        found = [] if stored is None else list(differences(counted, stored, since_of(job, run_id)))
    for sentence in found:
        print(f"warning: {sentence}", file=sys.stderr)
    return found


def since_of(job: BatchProcessJob, run_id: str) -> str | None:
    """The run for `--new-since`, if the job can be asked so."""
    return None if job.spec.input is None else run_id


def differences(
    counted: DryRunAnswer, stored: RunInfo, new_since: str | None = None
) -> Iterator[str]:
    """What would be another run now. new_since: see `sentences`."""
    ours = as_the_run_reads_it(counted, stored)
    yield from sentences(counted.input, new_since)
    try:
        require_same(ours, stored)
    except RunMismatch as error:
        yield str(error)
    if None not in (ours.code, stored.code) and ours.code != stored.code:
        yield f"the job's code has changed since the run was begun; start another run ({ANOTHER})"


def _require_as_asked(job: BatchProcessJob, stored: RunInfo | None, storage: Storage) -> None:
    asked = Asked.of(worker_environment(job, run_uri=storage.uri, job_id=""))
    try:
        require_as_asked(asked, None if stored is None else stored.asked, ANOTHER)
    except RunMismatch as error:
        run_id = storage.uri.rpartition("/")[2]
        raise RunMismatch(f"run {run_id} is complete, but not this job's: {error}") from error


def _require_since_as_asked(job: BatchProcessJob, storage: Storage) -> None:
    """Old results must not pass for those of files that have come since some other run."""
    if job.spec.input is None or job.spec.input.new_since is None:
        return
    listing = perform(read_listing(source_id([job.spec.input.uri])), storage)
    if listing is not None:
        require_same_since(job.spec.input.new_since, listing, storage.uri)
