"""Which rows of a batch are to blame for what `process_batch` has raised: each is tried alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from batchprocess.sdk.attempt.skipping.another_process import AnotherProcess
from batchprocess.sdk.attempt.skipping.rows_alone import (
    REMEDY,
    BehindAnother,
    NotHere,
    NotIsolated,
    RowsAlone,
    Tried,
    all_fail_alike,
)
from batchprocess.sdk.report.failure_facts import facts_of, note
from batchprocess.sdk.report.row_errors import BadRead, all_alike, bad_read, is_of_row
from batchprocess.sdk.save.held_rows import Mark
from batchprocess.sdk.user.refusals import is_refusal


class Before(NamedTuple):
    """What had been handed over before the batch."""

    handed_over: int
    saved: Mark


@dataclass
class Isolation:
    """Repeats a batch row by row in place, if all that it has handed over can be dropped.

    only_saves: whether the processor has no reducer and no hook, which would know of what is
    dropped. If no row is to blame, the batch's error is raised, and what it and the rows alone have
    handed over is gone. It is raised too, marked, where `another` process can find out.
    """

    rows_alone: RowsAlone
    another: AnotherProcess
    only_saves: Callable[[], bool]

    def before(self) -> Before:
        """To be called before the batch."""
        pending = self.rows_alone.pending
        return Before(pending.handed_over(), pending.saver.mark())

    def bad_rows(
        self, error: Exception, rows: Sequence[int], index: int, before: Before
    ) -> list[BadRead]:
        """Those of `rows` that raise alone; what the others have saved is held."""
        saver = self.rows_alone.pending.saver
        dropped = saver.drop_to(before.saved)
        if not is_of_row(error) or is_refusal(error):
            raise error
        behind, whole = self.another.behind, bad_read(error, rows[0], "process_batch")
        self.another.note_raised()
        try:
            self._require_droppable(index, before, dropped=dropped)
            tried = self.rows_alone.try_each(rows, index, before.saved, [])
            found = [bad for one in tried for bad in one.bad]
            require_some_to_blame(found, whole, len(rows), behind=behind)
            require_still_working(tried)
        except NotIsolated as why:
            reason = why
        except Exception:
            saver.drop_to(before.saved)
            raise
        else:
            called = [one.raised for one in tried if one.raised or not one.bad]
            self.another.behind = called[-1:] == [True]
            return found
        saver.drop_to(before.saved)
        raise self._raised(error, rows, index, reason)

    def _require_droppable(self, index: int, before: Before, *, dropped: bool) -> None:
        pending = self.rows_alone.pending
        if pending.opens_blocks:
            raise NotIsolated(f"process_batch opens upload_path(): {REMEDY}")
        if pending.used_by_threads:
            raise NotIsolated(f"threads of the processor hand results over: {REMEDY}")
        if not self.only_saves():
            raise NotHere("the processor has reducers or hooks")
        if not dropped:
            raise NotHere("the batch has saved more than can be held back")
        if pending.handed_over() != before.handed_over:
            raise NotHere("the batch had reported already")
        if self.another.knows_of(index):
            raise NotHere("some of its rows were left out, and it has raised again")

    def _raised(
        self, error: Exception, rows: Sequence[int], index: int, why: NotIsolated
    ) -> Exception:
        if not isinstance(why, NotHere):
            return with_reason(error, str(why))
        if self.another.can_be_had:
            again = isinstance(why, BehindAnother)
            return self.another.asked_for(error, rows, index, again=again)
        return with_reason(error, f"{why}, and no agent is here to start another process: {REMEDY}")


def require_some_to_blame(found: list[BadRead], whole: BadRead, rows: int, *, behind: bool) -> None:
    """Raise NotIsolated unless some of the batch's rows are to blame.

    whole: what the batch has raised. behind: the call before it has raised, too.
    """
    if not found:
        raise (BehindAnother if behind else NotIsolated)("each of its rows alone can be processed")
    if len(found) == rows and behind:
        raise BehindAnother("no row can be processed behind another batch that has raised")
    if len(found) == rows and all_alike(found):
        # It may be for what the batch has left behind, if that has failed otherwise.
        raise (NotIsolated if all_alike([whole, *found]) else NotHere)(all_fail_alike(rows))


def require_still_working(tried: Sequence[Tried]) -> None:
    """What raises behind the first may do so for what that has left in the processor."""
    first = next((at for at, one in enumerate(tried) if one.raised), len(tried))
    behind = tried[first + 1 :]
    if any(one.raised for one in behind) and all(one.bad for one in behind):
        raise NotHere("no row can be processed behind the first that raises")


def with_reason(error: Exception, why: str) -> Exception:
    """`error`, which says too why no row was left out."""
    facts = facts_of(error)
    note(error, replace(facts, said=f"{facts.said} (no row is left out: {why})"))
    return error
