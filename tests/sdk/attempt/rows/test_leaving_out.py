"""Rows that a job leaves out by hand are never read, and told by the commit of their batch."""

from typing import Any

import pytest

from batchprocess import TorchBatchProcessor
from batchprocess.protocol.rows.settings import RowSettings
from batchprocess.sdk import entry
from support.counting_dataset import Counting
from support.script_runs import Alone, alone
from support.skipping_runs import bad_rows

__all__ = ["alone"]


@pytest.fixture
def skip(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has runs leave out these rows, which a script alone has no way to ask for."""
    found = entry.find_placement

    def set_rows(*rows: int) -> None:
        def find_placement(*given: Any) -> Any:
            placement = found(*given)
            update = {"rows": RowSettings(skip=rows)}
            environment = placement.environment.model_copy(update=update)
            return type(placement)(**{**vars(placement), "environment": environment})

        monkeypatch.setattr(entry, "find_placement", find_placement)

    return set_rows


class Save(TorchBatchProcessor):
    """Saves rows, and says which batches it was called for."""

    called: list[tuple[int, list[int]]]

    def __init__(self, context: Any) -> None:
        self.context = context
        Save.called = []

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        Save.called.append((batch_idx, self.context.rows))
        self.context.save("rows.jsonl", {"value": batch})


def test_batches_keep_their_numbers_and_one_without_rows_is_not_called_for(
    alone: Alone, skip: Any
) -> None:
    skip(0, 1, 4, 5, 6, 7, 11)
    data = Counting(12)
    alone.run(Save, data)
    assert Save.called == [(0, [2, 3]), (2, [8, 9, 10])]
    assert not {0, 1, 4, 5, 6, 7, 11} & set(data.read)
    kept = [(one.row, one.batch, one.stage, one.id) for one in bad_rows(alone.run_folder)]
    assert kept == [(row, row // 4, "skipped", None) for row in (0, 1, 4, 5, 6, 7, 11)]
    summary = alone.summary()
    assert (summary["rows"], summary["badRows"], summary["skippedRows"]) == (12, 0, 7)


def test_a_run_of_which_nothing_is_left_is_complete_without_a_call(alone: Alone, skip: Any) -> None:
    skip(*range(6))
    alone.run(Save, Counting(6))
    assert Save.called == []
    assert alone.summary()["skippedRows"] == 6
