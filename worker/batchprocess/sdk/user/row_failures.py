"""`context.fail`: user code says of a row that it is bad."""

import operator
from collections.abc import Sequence

from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.report.failure_facts import note, observe
from batchprocess.sdk.report.row_errors import bad_read, is_of_row
from batchprocess.sdk.user.row_ids import RowIds, ids_of


def rows_here(pending: PendingOutputs) -> Sequence[int]:
    """The rows of the batch in work; RuntimeError if this thread processes none."""
    here = pending.rows_here
    if here is None:
        raise RuntimeError(
            "there is no batch here: context.rows, context.ids and context.fail are for "
            "process_batch, in the thread that it is called in"
        )
    return here


def fail_row(
    pending: PendingOutputs, position: int, error: Exception | str, row_ids: RowIds | None
) -> None:
    """See `TorchBatchProcessorContext.fail`."""
    rows = rows_here(pending)
    position = _checked(position, len(rows))
    row = rows[position]
    if isinstance(error, str):
        error = ValueError(error)
    if not isinstance(error, Exception):
        raise TypeError(f"error must be an Exception or a text, not {error!r:.100}")
    batch = pending.batch_here
    if batch is None or not batch.skips or not is_of_row(error):
        raise note(error, observe(error, row=row))
    bad = bad_read(error, row, "process_batch")
    batch.fail(position, bad, ids_of(rows, row_ids))


def _checked(position: object, rows: int) -> int:
    if isinstance(position, bool) or not hasattr(position, "__index__"):
        raise TypeError(f"position must be an integer, not {position!r:.100}")
    number = operator.index(position)
    if not 0 <= number < rows:
        raise ValueError(f"position is {number}: the batch has those from 0 to {rows - 1}")
    return number
