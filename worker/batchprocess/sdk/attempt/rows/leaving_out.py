"""`process_batch` where the job leaves rows out by hand: each is told, and none is touched."""

from collections.abc import Callable
from typing import Any

from batchprocess.protocol.bad_rows import BadRow
from batchprocess.protocol.rows.dataset_rows import DatasetRows
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.input.gaps.feed_with_gaps import NO_ROWS

Process = Callable[[Any, int], object]
Steps = Callable[..., Process]
"""Of a loop and its feed; and of what else `Loop.skipping` is given."""


def leaving_out(rows: DatasetRows, inner: Steps | None) -> Steps:
    """What a loop calls in place of `process_batch`, or of what `inner` puts there."""

    def steps(loop: Loop, feed: Feed, **more: Any) -> Process:
        process = loop.processor.process_batch if inner is None else inner(loop, feed, **more)
        pending, positions, shard = loop.pending, loop.plan.positions, loop.where.shard

        def process_others(batch: Any, index: int) -> object:
            for row in rows.left_out_at(positions(shard, index, index + 1)):
                pending.add_bad_row(left_out_by_hand(row, index))
            return None if batch is NO_ROWS else process(batch, index)

        return process_others

    return steps


def left_out_by_hand(row: int, batch: int) -> BadRow:
    """What is kept of such a row.

    Without id and file: who asks the dataset for these may read the row, and die of it.
    """
    message = "left out by hand (rows.skip)"
    return BadRow(row=row, batch=batch, stage="skipped", type="", message=message)
