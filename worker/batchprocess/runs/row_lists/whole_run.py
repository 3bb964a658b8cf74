"""An earlier run that another one is to go on from: all that it was over must be done."""

from batchprocess.ledger.finalize import finished
from batchprocess.ledger.run import ANOTHER, read_run
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage

_SHOWN_FAILED = 5


def require_whole(run: Storage, field: str, patience: Patience) -> RunInfo:
    """What the run was begun with. `field`: of the job, that names it.

    Raises InvalidArgument where not all rows are processed or named as bad.
    """
    name = f"{field}: run {run.uri}"
    about = perform(read_run(), run, patience)
    if about is None:
        raise InvalidArgument(f"{name} does not exist: give a run's id, or its whole address")
    summary = perform(finished(), run, patience)
    if summary is None:
        raise InvalidArgument(f"{name} is not complete: finish it first")
    if about.max_batches is not None:
        raise InvalidArgument(
            f"{name} had maxBatches {about.max_batches}, so it has not processed all rows of what "
            "it was begun with: give a run without"
        )
    if summary.failedShards:
        shards = ", ".join(map(str, summary.failedShards[:_SHOWN_FAILED]))
        more = len(summary.failedShards) - _SHOWN_FAILED
        raise InvalidArgument(
            f"{name} was closed without all rows of shard {shards}"
            f"{f' and {more} more' if more > 0 else ''}: process everything in a run of its own "
            f"({ANOTHER}), or give another run"
        )
    return about
