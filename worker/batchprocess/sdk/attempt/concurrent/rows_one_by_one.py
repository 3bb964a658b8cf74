"""Rows of a batch that has raised, each processed as a batch of its own, beside other batches.

What a batch hands over is known and not taken yet, so that all of it can be dropped, whatever the
processor has: reducers, hooks, metrics and files included.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from batchprocess.sdk.attempt.concurrent.batch_reader import BatchReader
from batchprocess.sdk.attempt.skipping.isolation import (
    require_some_to_blame,
    require_still_working,
    with_reason,
)
from batchprocess.sdk.attempt.skipping.rows_alone import REMEDY, NotIsolated, Tried
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs
from batchprocess.sdk.report.row_errors import BadRead, all_alike, bad_read, is_of_row
from batchprocess.sdk.save.aside.aside_saver import AsideSaver
from batchprocess.sdk.setup.row_names import RowNames
from batchprocess.sdk.user.refusals import is_refusal

Process = Callable[[Any, BatchOutputs], Awaitable[BaseException | None]]


def may_be_of_row(error: BaseException) -> bool:
    """Whether rows are to be looked at one by one because of it."""
    return isinstance(error, Exception) and is_of_row(error) and not is_refusal(error)


@dataclass
class RowsOneByOne:
    """process: one of them, as a batch; gives what it has raised. `behind`: batches from there on
    are not read yet.
    """

    reader: BatchReader
    process: Process
    saver: AsideSaver
    names: RowNames
    _worked: tuple[int, Any] | None = None

    async def outputs(self, failed: BatchOutputs, error: Exception, behind: int) -> BatchOutputs:
        """What the good rows of the batch have handed over, and its bad ones.

        Raises the batch's error, with the reason, if no row is to blame alone; and what is no
        row's fault.
        """
        rows, whole = failed.rows, bad_read(error, failed.rows[0], "process_batch")
        await self.reader.read_alone(failed.index, rows, behind)
        tried: list[Tried] = []
        good: list[BatchOutputs] = []
        self._worked = None
        try:
            for row in rows:
                tried.append(await self._try(row, failed, good, tried))
            self.reader.end_alone()
            found = [bad for one in tried for bad in one.bad]
            require_some_to_blame(found, whole, len(rows), behind=False)
            await self._require_still_working(tried, failed)
        except NotIsolated as why:
            self._drop(good)
            raise with_reason(error, f"{why}: {REMEDY}") from None
        except BaseException:
            self._drop(good)
            raise
        return self._joined(failed, good, found)

    async def _try(
        self, row: int, of: BatchOutputs, good: list[BatchOutputs], tried: Sequence[Tried]
    ) -> Tried:
        read = await self.reader.next_alone()
        if read.error is not None:
            raise read.error
        if type(read.batch) is PartialBatch:
            return Tried(read.batch.bad)
        alone, outputs = await self._process(row, read.batch, of)
        if not alone.raised:
            good.append(outputs)
            if not alone.bad:
                self._worked = row, read.batch
        elif not tried or tried[-1].raised:
            # Behind a call that has raised it may have done so for what that has left.
            again, outputs = await self._process(row, read.batch, of)
            self._drop([outputs])
            if not again.raised or not all_alike([*alone.bad, *again.bad]):
                raise NotIsolated("a row behind one that raises does not fail alike a second time")
        return alone

    async def _require_still_working(self, tried: Sequence[Tried], of: BatchOutputs) -> None:
        """If all behind the first that has raised are bad, a row that was good must be so again."""
        try:
            require_still_working(tried)
        except NotIsolated:
            if self._worked is None:
                raise
            again, outputs = await self._process(*self._worked, of)
            self._drop([outputs])
            if again.bad:
                raise

    async def _process(self, row: int, batch: Any, of: BatchOutputs) -> tuple[Tried, BatchOutputs]:
        outputs = BatchOutputs(of.index, of.number, BatchInWork((row,)), alone=True)
        error = await self.process(batch, outputs)
        if error is None:
            outputs.end()
            return Tried(list(outputs.work.failed.values())), outputs
        outputs.drop(self.saver)
        if not isinstance(error, Exception) or not is_of_row(error):
            raise error
        if is_refusal(error):
            raise NotIsolated(f"row {row} alone is refused ({error})")
        return Tried([bad_read(error, row, "process_batch")], raised=True), outputs

    def _joined(
        self, failed: BatchOutputs, good: Sequence[BatchOutputs], found: Sequence[BadRead]
    ) -> BatchOutputs:
        joined = BatchOutputs(failed.index, failed.number, BatchInWork(failed.rows), ended=True)
        joined.bad_rows += failed.bad_rows
        joined.bad_rows += [self.names.bad_row(one, failed.index) for one in found]
        for one in good:
            joined.take(one)
        return joined

    def _drop(self, outputs: Sequence[BatchOutputs]) -> None:
        for one in outputs:
            one.drop(self.saver)
