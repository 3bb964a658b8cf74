"""Which rows of a batch are to blame for what `process_batch` has raised: each is tried alone."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NoReturn

from batchprocess.sdk.input.feed import Feed
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.sdk.report.failure_facts import facts_of, note
from batchprocess.sdk.report.row_errors import BadRead, all_alike, bad_read, is_of_row
from batchprocess.sdk.save.held_rows import Mark
from batchprocess.sdk.user.refusals import is_refusal

Process = Callable[[Any, int], object]
_REMEDY = "name bad rows by context.fail(position, error)"


class Before(NamedTuple):
    """What had been handed over before the batch."""

    handed_over: int
    saved: Mark


class NotIsolated(Exception):
    """Why no row was looked for, or found; the batch's own error is raised."""


@dataclass
class Isolation:
    """Repeats a batch row by row in place, if all that it has handed over can be dropped.

    before_row: sets the generators as before the batch. only_saves: whether the processor has no
    reducer and no hook, which would know of what is dropped. If no row is to blame, the batch's
    error is raised, and what it and the rows alone have handed over is gone. stop: commits what is
    finished and ends the attempt, in the middle of it.
    """

    process: Process
    pending: PendingOutputs
    state: LoopState
    feed: Feed
    before_row: Callable[[int], None]
    only_saves: Callable[[], bool]
    stop: Callable[[], NoReturn]
    clock: Callable[[], float] = time.monotonic

    def before(self) -> Before:
        """To be called before the batch."""
        return Before(self.pending.handed_over(), self.pending.saver.mark())

    def bad_rows(
        self, error: Exception, rows: Sequence[int], index: int, before: Before
    ) -> list[BadRead]:
        """Those of `rows` that raise alone; what the others have saved is held."""
        dropped = self.pending.saver.drop_to(before.saved)
        if not is_of_row(error) or is_refusal(error):
            raise error
        try:
            self._require_droppable(before, dropped=dropped)
            found = self._alone(rows, index, before.saved)
            _require_some_to_blame(found, rows)
        except NotIsolated as why:
            reason = str(why)
        except Exception:
            self.pending.saver.drop_to(before.saved)
            raise
        else:
            return found
        self.pending.saver.drop_to(before.saved)
        raise _with_reason(error, reason)

    def _require_droppable(self, before: Before, *, dropped: bool) -> None:
        pending = self.pending
        if pending.opens_blocks:
            raise NotIsolated(f"process_batch opens upload_path(): {_REMEDY}")
        if pending.used_by_threads:
            raise NotIsolated(f"threads of the processor hand results over: {_REMEDY}")
        if not self.only_saves():
            raise NotIsolated(f"the processor has reducers or hooks: {_REMEDY}")
        if not dropped:
            raise NotIsolated(f"the batch has saved more than can be held back: {_REMEDY}")
        if pending.handed_over() != before.handed_over:
            raise NotIsolated(f"the batch had reported already: report last, or {_REMEDY}")

    def _alone(self, rows: Sequence[int], index: int, before: Mark) -> list[BadRead]:
        self.feed.read_alone(index, rows)
        self.pending.isolating = True
        all_rows = self.pending.rows
        found: list[BadRead] = []
        try:
            for row in rows:
                if self.state.stop:
                    self.pending.saver.drop_to(before)
                    self.stop()
                found += self._row(row, self.feed.next_batch(), index)
                self.feed.batch_done()
                # Slower than the batch, and no stall.
                self.state.moved = self.clock()
        finally:
            self.pending.isolating, self.pending.rows = False, all_rows
        return found

    def _row(self, row: int, read: Any, index: int) -> Sequence[BadRead]:
        if type(read) is PartialBatch:
            return read.bad
        pending, saver = self.pending, self.pending.saver
        pending.rows, pending.batch = (row,), BatchInWork((row,))
        mark = saver.mark()
        self.before_row(index)
        try:
            self.process(read, index)
        except Exception as error:
            if not is_of_row(error):
                raise
            if is_refusal(error):
                raise NotIsolated(f"row {row} alone is refused ({error}): {_REMEDY}") from error
            if not saver.drop_to(mark):
                raise NotIsolated(f"the batch has saved more than can be held: {_REMEDY}") from None
            return [bad_read(error, row, "process_batch")]
        return list(pending.batch.failed.values())


def _require_some_to_blame(found: list[BadRead], rows: Sequence[int]) -> None:
    if not found:
        raise NotIsolated("each of its rows alone can be processed")
    if len(found) == len(rows) and all_alike(found):
        raise NotIsolated(f"all its {len(rows)} rows alone fail alike, so none is to blame")


def _with_reason(error: Exception, why: str) -> Exception:
    facts = facts_of(error)
    note(error, replace(facts, said=f"{facts.said} (no row is left out: {why})"))
    return error
