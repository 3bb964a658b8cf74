"""Rows of a batch, each processed as a batch of its own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.sdk.report.row_errors import BadRead, all_alike, bad_read, is_of_row
from batchprocess.sdk.save.held_rows import Mark
from batchprocess.sdk.user.refusals import is_refusal

Process = Callable[[Any, int], object]
REMEDY = "name bad rows by context.fail(position, error)"


class NotIsolated(Exception):
    """Why no row was looked for, or found; the batch's own error is raised."""


class NotHere(NotIsolated):
    """The same, where it could be done by a process that nothing has happened in."""


class BehindAnother(NotHere):
    """It may be so only because another batch has raised in this process before."""


class Tried(NamedTuple):
    """What has become of a row: what it is bad for, if it is, and whether processing it raised."""

    bad: Sequence[BadRead]
    raised: bool = False


@dataclass
class RowsAlone:
    """Reads and processes rows of the batch in work alone.

    before_row: sets the generators as before the batch. stop: commits what is finished and ends the
    attempt, if a stop was requested.
    """

    process: Process
    pending: PendingOutputs
    state: LoopState
    feed: Feed
    before_row: Callable[[int], None]
    stop: Callable[[], NoReturn]
    clock: Callable[[], float] = time.monotonic

    def try_each(
        self, rows: Sequence[int], index: int, before: Mark, tried: list[Tried]
    ) -> list[Tried]:
        """What has become of each is added to `tried`; what those that raise have saved is dropped.

        What is no row's fault is raised, NotIsolated if it is of ours. A row whose results cannot
        be dropped is NotHere, unless all is on trial; so is one that may have raised for what the
        call before it has left behind.
        """
        self.feed.read_alone(index, rows)
        self.pending.isolating = True
        all_rows, behind = self.pending.rows, True
        try:
            for row in rows:
                if self.state.stop:
                    self.pending.saver.drop_to(before)
                    self.stop()
                read = self.feed.next_batch()
                tried.append(self._row(row, read, index))
                if behind and tried[-1].raised and not self.pending.on_trial:
                    self._require_alike(tried[-1], self._row(row, read, index))
                if type(read) is not PartialBatch:
                    behind = tried[-1].raised
                self.feed.batch_done()
                # Slower than the batch, and no stall.
                self.state.moved = self.clock()
        finally:
            self.pending.isolating, self.pending.rows = False, all_rows
        return tried

    def _row(self, row: int, read: Any, index: int) -> Tried:
        if type(read) is PartialBatch:
            return Tried(read.bad)
        pending, saver = self.pending, self.pending.saver
        pending.rows, pending.batch = (row,), BatchInWork((row,))
        mark, reported = saver.mark(), pending.reported()
        self.before_row(index)
        try:
            self.process(read, index)
        except Exception as error:
            if not is_of_row(error):
                raise
            if is_refusal(error):
                raise NotIsolated(f"row {row} alone is refused ({error}): {REMEDY}") from error
            self._require_undone(reported, dropped=saver.drop_to(mark))
            return Tried([bad_read(error, row, "process_batch")], raised=True)
        self._require_undone(reported, dropped=True)
        if self.state.phase == "starting":
            # Not sooner: the first row that comes through may have a model compiled.
            self.state.enter("running")
        return Tried(list(pending.batch.failed.values()))

    @staticmethod
    def _require_alike(first: Tried, second: Tried) -> None:
        """Of a row that has raised behind a call that has: it may be for what that has left."""
        if not second.raised or not all_alike([*first.bad, *second.bad]):
            raise NotHere("a row behind one that raises does not fail alike if it is tried again")

    def _require_undone(self, reported: int, *, dropped: bool) -> None:
        if self.pending.on_trial:
            return
        if self.pending.reported() != reported:
            raise NotHere("the batch reports metrics or a model") from None
        if not dropped:
            raise NotHere("the batch has saved more than can be held") from None


def all_fail_alike(rows: int) -> str:
    """Of a batch with so many rows: why none is to blame."""
    return f"all its {rows} rows alone fail alike, so none is to blame"
