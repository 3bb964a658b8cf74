"""What a process that tries rows alone ends with."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from batchprocess.protocol.bad_rows.isolation import Isolate, RaisedByBatch
from batchprocess.protocol.errors import BatchRaised, Stopped
from batchprocess.sdk.attempt.skipping.another_process import AnotherProcess, request_of
from batchprocess.sdk.attempt.skipping.rows_alone import NotIsolated, Tried
from batchprocess.sdk.attempt.skipping.trial import Trial
from batchprocess.sdk.report.error_report import Where, exit_code_of
from batchprocess.sdk.report.failure_facts import facts_of
from batchprocess.sdk.report.row_errors import BadRead

ERROR = RaisedByBatch(type="KeyError", message="'x'", traceback="in user code", line="job.py:7")
ORDER = Isolate(attempt="first", batch=2, error=ERROR)
WHERE = Where(shard=0, stage="process_batch", batch=2, run_exists=True)


def raised(row: int) -> Tried:
    return Tried([BadRead(row, "process_batch", "KeyError", "'x'", "", "job.py:7")], raised=True)


class FakeRowsAlone:
    """Has tried some rows when it raises, if it does."""

    def __init__(self, tried: list[Tried], ends: Exception | None) -> None:
        self._tried, self._ends = tried, ends
        saver = SimpleNamespace(mark=lambda: None, hold=lambda: None)
        self.pending = SimpleNamespace(saver=saver, on_trial=False)
        self.rows: list[int] = []

    def try_each(self, rows: list[int], index: int, before: Any, tried: list[Tried]) -> None:
        self.rows = rows
        tried += self._tried
        if self._ends is not None:
            raise self._ends


def end_of(
    tried: list[Tried],
    ends: Exception | None = None,
    order: Isolate = ORDER,
    another: AnotherProcess | None = None,
) -> tuple[Exception, FakeRowsAlone, list[str]]:
    alone, waited = FakeRowsAlone(tried, ends), list[str]()
    wait: Callable[[], None] = lambda: waited.append("waited")  # noqa: E731
    trial = Trial(alone, another or AnotherProcess("me"), WHERE, wait)  # type: ignore[arg-type]
    with pytest.raises(Exception) as caught:  # noqa: PT011  whichever it is
        trial.run(order, [8, 9, 10], 2)
    return caught.value, alone, waited  # type: ignore[return-value]


def test_what_comes_next_is_asked_for_once_what_lies_before_is_durable() -> None:
    error, alone, waited = end_of([Tried([]), raised(9), Tried([])])
    asked = request_of(error)
    assert asked is not None
    assert (asked.step, asked.rows(), alone.rows, waited) == (
        "process",
        {9},
        [8, 9, 10],
        ["waited"],
    )
    assert alone.pending.on_trial
    assert str(error) == (
        "batch 2 of shard 0: rows known to be bad: 9; another process is to process the others"
    )
    again, alone, _ = end_of([Tried([]), raised(8)], order=asked)
    assert alone.rows == [8, 10]
    assert isinstance(again, BatchRaised)


@pytest.mark.parametrize("ends", [None, NotIsolated("row 8 alone is refused")])
def test_if_no_row_is_to_blame_it_is_the_batchs_own_error(ends: Exception | None) -> None:
    error, *_ = end_of([Tried([])] * 3, ends)
    assert request_of(error) is None
    why = "each of its rows alone can be processed" if ends is None else str(ends)
    assert str(error) == (
        f"process_batch raised KeyError: 'x' (no row is left out: {why}) (batch 2 of shard 0)"
    )
    assert exit_code_of(error, WHERE) == 90
    facts = facts_of(error)
    assert (facts.kind, facts.line, error.__notes__) == ("KeyError", "job.py:7", ["in user code"])


@pytest.mark.parametrize("ends", [MemoryError("full"), NotIsolated("refused")])
def test_behind_a_row_that_has_raised_anything_may_come_of_that(ends: Exception) -> None:
    error, *_ = end_of([raised(8)], ends)
    asked = request_of(error)
    assert asked is not None
    assert (asked.step, asked.rows()) == ("try", {8})


@pytest.mark.parametrize(
    ("tried", "ends"),
    [([Tried([])], MemoryError("full")), ([raised(8)], Stopped("stopped in batch 2"))],
)
def test_errors_of_the_machine_and_a_stop_are_raised_as_they_are(
    tried: list[Tried], ends: Exception
) -> None:
    error, *_ = end_of(tried, ends)
    assert error is ends
    assert request_of(error) is None


def test_where_a_batch_before_it_has_raised_another_process_is_to_try() -> None:
    """It was repeated in place, and is committed: the next one begins behind it."""
    another = AnotherProcess("me", can_be_had=True)
    another.note_raised()
    error, alone, waited = end_of([], order=ORDER, another=another)
    asked = request_of(error)
    assert asked == ORDER.model_copy(update={"attempt": "me"})
    assert (alone.rows, waited) == ([], ["waited"])
