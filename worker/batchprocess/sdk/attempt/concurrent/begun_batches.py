"""From what the loader gives to what a task gets, and from its end to rows that are left out."""

from dataclasses import dataclass
from typing import Any

from batchprocess.protocol.rows.dataset_rows import DatasetRows
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.attempt.rows.leaving_out import left_out_by_hand
from batchprocess.sdk.attempt.skipping.skipping import parts_of
from batchprocess.sdk.input.gaps.feed_with_gaps import NO_ROWS
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs
from batchprocess.sdk.setup.row_names import RowNames


@dataclass(frozen=True)
class BegunBatches:
    """Of one shard. `skips`: whether bad rows are left out."""

    plan: ShardPlan
    shard: int
    rows: DatasetRows
    names: RowNames
    skips: bool

    def begin(self, read: Any, index: int) -> tuple[Any, BatchOutputs]:
        """The batch for user code, and what it will hand over; without rows nothing is called."""
        positions = self.plan.positions(self.shard, index, index + 1)
        number = self.plan.first_batch(self.shard) + index
        by_hand = [left_out_by_hand(row, index) for row in self.rows.left_out_at(positions)]
        if read is NO_ROWS:
            return None, BatchOutputs(index, number, BatchInWork(()), bad_rows=by_hand)
        batch, rows, bad = parts_of(read, self.rows.at(positions))
        outputs = BatchOutputs(index, number, BatchInWork(rows, skips=self.skips))
        outputs.bad_rows += [*by_hand, *(self.names.bad_row(one, index) for one in bad)]
        return batch, outputs

    def end(self, outputs: BatchOutputs) -> None:
        """Those that it has failed are left out with it."""
        failed = outputs.work.failed.values()
        outputs.bad_rows += [self.names.bad_row(one, outputs.index) for one in failed]
        positions = self.plan.positions(self.shard, outputs.index, outputs.index + 1)
        self.names.forget(self.rows.at(positions))  # bad ones, too
