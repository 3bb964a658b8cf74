"""What follows from rows that were tried alone in a process whose results are dropped."""

from collections.abc import Sequence

import pytest

from batchprocess.protocol.bad_rows.isolation import MAX_ROWS, Isolate, RaisedByBatch
from batchprocess.sdk.attempt.skipping.another_process import as_told
from batchprocess.sdk.attempt.skipping.next_step import next_step
from batchprocess.sdk.attempt.skipping.rows_alone import Tried
from batchprocess.sdk.report.row_errors import BadRead, Stage

GOOD = Tried([])


def bad(row: int, line: str = "a.py:1", stage: Stage = "process_batch") -> BadRead:
    return BadRead(row, stage, "ValueError", f"row {row}", "", line)


def raised(row: int, line: str = "a.py:1") -> Tried:
    return Tried([bad(row, line)], raised=True)


def order(*known: int, without: int = 0) -> Isolate:
    error = RaisedByBatch(type="ValueError", without=without)
    told = tuple(as_told(bad(row, f"b.py:{row}")) for row in known)
    return Isolate(attempt="first", batch=5, bad=told, error=error)


def asked(found: Isolate | str) -> tuple[str, list[int]]:
    assert isinstance(found, Isolate), found
    assert (found.attempt, found.batch) == ("me", 5)
    return found.step, sorted(found.rows())


@pytest.mark.parametrize(
    ("known", "tried", "step", "rows"),
    [
        # The only one: the others are processed next.
        ([], [GOOD, raised(1), GOOD], "process", [1]),
        # Nobody knows of what raises behind the first: it is tried anew.
        ([], [GOOD, raised(1), raised(2), GOOD], "try", [1]),
        ([], [raised(0), raised(1), GOOD], "try", [0]),
        # A row that user code fails raises nothing, and stands beside one that does.
        ([], [Tried([bad(0)]), GOOD, raised(2)], "process", [0, 2]),
        ([], [Tried([bad(0)]), raised(1), Tried([bad(2, "c.py:2")])], "try", [0, 1]),
        ([], [Tried([bad(0, stage="reading")]), GOOD], "process", [0]),
        ([1], [GOOD, raised(2)], "process", [1, 2]),
        # What seemed bad behind row 1 is not.
        ([1], [GOOD, GOOD], "process", [1]),
        # Others may have been found in other ways, but not alike.
        ([], [raised(0), raised(1, "c.py:2")], "try", [0]),
    ],
)
def test_the_first_that_raises_is_bad_and_whoever_may_be_is_tried_anew(
    known: list[int], tried: Sequence[Tried], step: str, rows: list[int]
) -> None:
    assert asked(next_step(order(*known), tried, len(tried), "me")) == (step, rows)


def test_a_trial_that_was_ended_behind_the_first_has_more_to_try() -> None:
    assert asked(next_step(order(), [raised(0), GOOD], 5, "me")) == ("try", [0])


@pytest.mark.parametrize(
    ("known", "without", "tried", "says"),
    [
        ([], 0, [GOOD, GOOD], "each of its rows alone can be processed"),
        ([1], 1, [GOOD, GOOD], "each of its other rows alone can be processed"),
        ([], 0, [raised(0), raised(1)], "all its 2 rows alone fail alike, so none is to blame"),
    ],
)
def test_no_row_is_to_blame(
    known: list[int], without: int, tried: Sequence[Tried], says: str
) -> None:
    assert next_step(order(*known, without=without), tried, len(tried), "me") == says


def test_more_rows_than_it_is_worth_are_not_looked_for() -> None:
    known = range(10, 10 + MAX_ROWS)
    said = next_step(order(*known), [GOOD, raised(2)], 2, "me")
    assert said == (
        "more than 16 of its rows are bad: name bad rows by context.fail(position, error)"
    )


def test_each_step_knows_of_another_row_or_is_followed_by_one_that_does() -> None:
    """However rows behave: no batch is tried for ever."""
    steps, now = 0, order()
    while isinstance(now, Isolate):
        steps += 1
        if now.step == "process":  # it raises again, without those
            error = now.error.model_copy(update={"without": len(now.bad)})
            now = now.model_copy(update={"step": "try", "error": error})
        tried = [raised(row, f"{row}") for row in range(100) if row not in now.rows()]
        tried = [*tried[: 1 + steps % 2], GOOD]
        now = next_step(now, tried, len(tried), "me")
    assert steps <= 2 * MAX_ROWS + 1
