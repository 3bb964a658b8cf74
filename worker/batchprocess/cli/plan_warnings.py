"""What `batchprocess plan` warns of: the cut, the storage, and the run that would go on."""

import sys
from collections.abc import Iterator

from batchprocess.api.environment import s3_settings
from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.changed_input import as_the_run_reads_it, sentences
from batchprocess.cli.complete_run import since_of
from batchprocess.cli.output import plural
from batchprocess.cli.rows.options import comes_before
from batchprocess.ledger.job_settings import require_as_asked
from batchprocess.ledger.run import ANOTHER, read_run, require_same
from batchprocess.protocol.dry_run import DryRunAnswer
from batchprocess.protocol.errors import (
    BatchProcessError,
    InvalidArgument,
    RunMismatch,
    StorageDenied,
    StorageError,
    StorageUnavailable,
    UnsafeStorage,
)
from batchprocess.runs.local_runs import is_complete, latest_run
from batchprocess.runs.patience import Patience, retry_until_known
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage

_BRIEF = Patience(3, refusal_is_final=True)
"""Storage that does not answer at once is told, and not worth half a minute."""
_WORTH_CUTTING = 20
"""Batches of a shard: of fewer there is nothing to win by cutting them into more shards."""
_UNUSABLE = "the storage cannot be used from here"


def of_storage(job: BatchProcessJob, uri: str, counted: DryRunAnswer) -> list[str]:
    """A sentence for each thing that is odd there. `counted` is what the job's own code has said.

    Raises InvalidArgument if it cannot be used from here, or what else it fails with.
    """
    folder = open_storage(uri, s3_settings(job))
    try:
        retry_until_known(folder.check_access, _BRIEF)
        dangers = [f"the bucket's lifecycle would damage a run: {one}" for one in folder.dangers()]
        return [*dangers, *_run(folder, job, counted)]
    except (StorageDenied, UnsafeStorage) as error:
        # As `run` says it: no waiting will help.
        raise InvalidArgument(f"{_UNUSABLE}: {error}") from error
    except StorageError as error:
        raise StorageUnavailable(f"{_UNUSABLE}: {error}") from error


def of_cut(job: BatchProcessJob, counted: DryRunAnswer) -> Iterator[str]:
    """A sentence for each thing that is odd about shards and batches."""
    shards, batches = job.spec.shards, counted.batches
    if counted.batchSize == 1 and job.spec.batch_size is None:
        yield "every batch has 1 row, which is slow: is batchSize missing?"
    if shards > batches:
        idle = plural(shards - batches, "shard")
        cut = f"{plural(shards, 'shard')} for {plural(batches, 'batch', 'batches')}"
        yield f"{cut}: {idle} too many"
    elif shards < 2 * job.spec.parallelism and batches >= _WORTH_CUTTING * shards:
        yield (
            f"{plural(shards, 'shard')} for {plural(job.spec.parallelism, 'worker')}: with many "
            "more shards workers can come and go, and the last one is shorter"
        )


def of_machine(platform: str = sys.platform) -> list[str]:
    """A sentence for each thing that is odd about this machine."""
    return [] if platform == "linux" else ["only Linux is tested"]


def run_to_go_on(job: BatchProcessJob, uri: str) -> str | None:
    """Address of the run that `batchprocess run` would go on with; None where none is found."""
    try:
        folder = open_storage(uri, s3_settings(job))
        run_id = _going_on(job, folder)
        if run_id is None or perform(read_run(), folder.at(run_id), _BRIEF) is None:
            return None
        return folder.at(run_id).uri
    except BatchProcessError:
        return None  # `of_storage` tells of it


def _going_on(job: BatchProcessJob, folder: Storage) -> str | None:
    """The run that `batchprocess run` would go on with, if it would with any."""
    run_id = job.spec.run_id or latest_run(folder, _BRIEF)
    return None if run_id is None or comes_before(job, folder.at(run_id)) else run_id


def _run(folder: Storage, job: BatchProcessJob, counted: DryRunAnswer) -> Iterator[str]:
    """Whether the run that `batchprocess run` would go on with is of this very cut."""
    run_id = _going_on(job, folder)
    if run_id is None:
        return
    stored = perform(read_run(), folder.at(run_id), _BRIEF)
    if stored is None:
        return
    complete = is_complete(folder.at(run_id), _BRIEF)
    mine = as_the_run_reads_it(counted, stored)
    yield from sentences(counted.input, since_of(job, run_id))
    try:
        require_same(mine, stored)
        if complete:
            require_as_asked(mine.asked, stored.asked, ANOTHER)
    except RunMismatch as error:
        what = "is complete, but not this job's" if complete else "would not go on"
        yield f"run {run_id} {what}: {error}"
        return
    if complete:
        yield f"run {run_id} is complete, so run would do nothing; --fresh starts another"
