"""`process_batch` where bad rows are left out: of batches that miss some, and row by row."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from batchprocess.sdk.attempt.early_commit import has_hooks
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.attempt.skipping.another_process import AnotherProcess, as_read
from batchprocess.sdk.attempt.skipping.isolation import Isolation
from batchprocess.sdk.attempt.skipping.rows_alone import RowsAlone
from batchprocess.sdk.attempt.skipping.trial import Trial
from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.report.row_errors import BadRead
from batchprocess.sdk.setup.row_names import RowNames

Process = Callable[[Any, int], object]


class Skipping:
    """Keeps the bad rows of a batch with the batch: they count once it does."""

    def __init__(
        self,
        process: Process,
        pending: PendingOutputs,
        names: RowNames,
        isolation: Isolation,
        trial: Trial,
    ) -> None:
        self._process, self._pending, self._names = process, pending, names
        self._isolation, self._trial = isolation, trial

    def process(self, read: Any, index: int) -> object:
        """In place of `process_batch`."""
        pending = self._pending
        batch, rows, bad = parts_of(read, pending.rows or ())
        order = self._isolation.another.order_for(index)
        if order is not None:
            if order.step == "try":
                self._trial.run(order, rows, index)
            rows = [row for row in rows if row not in order.rows()]
            bad = (*bad, *map(as_read, order.bad))
        pending.batch = work = BatchInWork(rows)
        before = self._isolation.before()
        pending.saver.hold()
        returned = None
        try:
            if rows:
                returned = self._process(batch, index)
                self._isolation.another.behind = False
            found: Iterable[BadRead] = work.failed.values()
        except Exception as error:  # noqa: BLE001  raised again if no row is to blame
            found = self._isolation.bad_rows(error, rows, index, before)
        except BaseException:
            pending.saver.drop_to(before.saved)
            raise
        pending.saver.release()
        for one in (*bad, *found):
            pending.add_bad_row(self._names.bad_row(one, index))
        return returned


def parts_of(read: Any, rows: Sequence[int]) -> tuple[Any, Sequence[int], tuple[BadRead, ...]]:
    """A batch as user code gets it, its rows, and those of `rows` that could not be read."""
    if type(read) is PartialBatch:
        return read
    return read, rows, ()


def skipping(
    loop: Loop, feed: Feed, names: RowNames, another: AnotherProcess | None = None
) -> Process:
    """What `loop`, on `feed`, calls in place of `process_batch`."""
    another = another or AnotherProcess("")
    processor, pending, randomness = loop.processor, loop.pending, loop.randomness
    base = loop.plan.first_batch(loop.where.shard)
    rows_alone = RowsAlone(
        process=processor.process_batch,
        pending=pending,
        state=loop.state,
        feed=feed,
        before_row=lambda index: randomness.before_batch(base + index),
        stop=loop.stop_in_batch,
        clock=loop.clock,
    )
    isolation = Isolation(
        rows_alone, another, lambda: not (pending.reducers or has_hooks(processor))
    )
    trial = Trial(rows_alone, another, loop.where, loop.await_commit)
    return Skipping(processor.process_batch, pending, names, isolation, trial).process
