"""Rows of a batch are tried alone in a process that is dropped with all that it has done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from batchprocess.protocol.bad_rows.isolation import Isolate
from batchprocess.protocol.errors import BatchProcessError, BatchRaised
from batchprocess.sdk.attempt.skipping.another_process import AnotherProcess, marked
from batchprocess.sdk.attempt.skipping.next_step import next_step
from batchprocess.sdk.attempt.skipping.rows_alone import NotIsolated, RowsAlone, Tried
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.failure_facts import Facts, note


@dataclass
class Trial:
    """Ends the attempt in each case. await_commit: until what lies before the batch is durable."""

    rows_alone: RowsAlone
    another: AnotherProcess
    where: Where
    await_commit: Callable[[], None]

    def run(self, order: Isolate, rows: Sequence[int], index: int) -> NoReturn:
        """Try `rows`, of the batch `index`, and ask for what comes next.

        Raises BatchRaised, marked or with the batch's own error; and what no row is to blame for.
        """
        self.await_commit()
        attempt = self.another.attempt
        if self.another.has_raised:
            # In a batch before this one, which was repeated in place: here nothing could be proven.
            raise self._asking_for(order.then(attempt, order.step))
        pending, tried = self.rows_alone.pending, list[Tried]()
        pending.on_trial = True
        before = pending.saver.mark()
        pending.saver.hold()
        left = [row for row in rows if row not in order.rows()]
        try:
            self.rows_alone.try_each(left, index, before, tried)
        except BatchProcessError:
            raise
        except Exception as error:
            # Behind a row that has raised anything may come of that.
            if not any(one.raised for one in tried):
                if isinstance(error, NotIsolated):
                    raise self._no_row(order, str(error)) from error
                raise
        following = next_step(order, tried, len(left), attempt)
        if isinstance(following, str):
            raise self._no_row(order, following)
        raise self._asking_for(following)

    def _asking_for(self, following: Isolate) -> Exception:
        return marked(BatchRaised(_what_follows(following, self.where)), following)

    def _no_row(self, order: Isolate, why: str) -> Exception:
        told = order.error
        said = f"{told.message} (no row is left out: {why})"
        facts = Facts(told.type, said, of_machine=False, line=told.line)
        error = BatchRaised(self.where.sentence(note(Exception(), facts)))
        error.add_note(told.traceback)
        note(error, facts)
        return error


def _what_follows(following: Isolate, where: Where) -> str:
    bad = ", ".join(str(row) for row in sorted(following.rows())) or "none yet"
    then = "process the others" if following.step == "process" else "look for more"
    return (
        f"batch {following.batch} of shard {where.shard}: rows known to be bad: {bad}; another "
        f"process is to {then}"
    )
