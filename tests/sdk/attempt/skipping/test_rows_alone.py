"""Rows of a batch, each processed as a batch of its own."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from batchprocess.sdk.attempt.skipping.rows_alone import RowsAlone
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.sdk.report.row_errors import BadRead

UNREAD = BadRead(0, "reading", "ValueError", "not read", "", "job.py:7")


class FakeFeed:
    """Has the rows 0 to 3, of which 0 cannot be read."""

    def __init__(self) -> None:
        self._left: list[Any] = [PartialBatch(None, (), (UNREAD,)), 1, 2, 3]

    def read_alone(self, batch: int, rows: Any) -> None:
        pass

    def next_batch(self) -> Any:
        return self._left.pop(0)

    def batch_done(self) -> None:
        pass


def rows_alone(state: LoopState, process: Callable[[Any, int], object]) -> RowsAlone:
    saver = SimpleNamespace(mark=lambda: None, drop_to=lambda mark: True)
    pending = SimpleNamespace(rows=None, on_trial=False, saver=saver, reported=lambda: 0)
    return RowsAlone(
        process=process,
        pending=pending,  # type: ignore[arg-type]
        state=state,
        feed=FakeFeed(),
        before_row=lambda index: None,
        stop=lambda: pytest.fail("nobody has asked for it"),
    )


def test_it_starts_until_a_row_has_come_through() -> None:
    """What is compiled for the first one may take longer than the limit on a stall."""
    state, phases = LoopState(), list[str]()

    def process(row: int, index: int) -> None:
        phases.append(state.phase)
        if row == 1:
            raise ValueError("before the model was called")

    tried = rows_alone(state, process).try_each([0, 1, 2, 3], 7, None, [])  # type: ignore[arg-type]
    assert [one.raised for one in tried] == [False, True, False, False]
    # Row 1 twice: it was the first call behind the batch's.
    assert phases == ["starting"] * 3 + ["running"]
    assert state.phase == "running"
