"""Whose fault it is when `process_batch` raises: each row alone is tried, in place."""

import json
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from batchprocess import TorchBatchProcessor
from support.script_runs import Alone
from support.skipping_runs import alone, bad_rows, skips

__all__ = ["alone", "skips"]

WORKERS = pytest.mark.parametrize("workers", [0, 2])
BAD = {3, 9, 10}


class Saving(TorchBatchProcessor):
    """Saves, then raises if there is a bad row in the batch; its calls are in `calls`."""

    calls: list[tuple[int, list[int], float]]

    def __init__(self, context: Any) -> None:
        self.context = context
        self.calls.clear()

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        rows = [int(row) for row in batch]
        self.calls.append((batch_idx, rows, torch.rand(()).item()))
        self.hand_over(rows, batch_idx)
        for row in rows:
            if row in BAD:
                self.raise_of(row)

    def hand_over(self, rows: list[int], batch_idx: int) -> None:
        self.context.save("x.jsonl", {"x": rows})
        self.context.save("y.npy", torch.tensor(rows) * 2)

    def raise_of(self, row: int) -> None:
        raise ValueError(f"row {row}")


def variant(**members: Any) -> type[Saving]:
    made: type[Saving] = type(
        "Saving", (Saving,), {"__qualname__": "Saving", "calls": [], **members}
    )
    return made


def saved(run: Alone) -> list[Any]:
    files = sorted(run.run_folder.glob("tables/x/*.jsonl"))
    return [json.loads(one) for path in files for one in path.read_text().splitlines()]


def ends(run: Alone, kind: type[Saving], says: str, **options: Any) -> None:
    """With the batch's own error and the reason why no row is to blame; nothing of it is kept."""
    with pytest.raises(ValueError, match="row 3"):
        run.run(kind, list(range(12)), **options)
    (note,) = run.run_folder.glob("ledger/00000/failed-*")
    told = json.loads(note.read_text())
    assert "raised ValueError: row 3 (no row is left out: " in told["error"], told["error"]
    assert says in told["error"], told["error"]
    assert bad_rows(run.run_folder) == saved(run) == []


@pytest.mark.slow
@WORKERS
def test_the_batch_is_repeated_row_by_row_in_place(skips: Alone, workers: int) -> None:
    kind = variant()
    skips.run(kind, list(range(14)), dataloader_kwargs={"num_workers": workers})
    assert saved(skips) == [{"id": n, "x": n} for n in range(14) if n not in BAD]
    found = [(one.row, one.batch, one.stage, one.message) for one in bad_rows(skips.run_folder)]
    assert found == [(n, n // 4, "process_batch", f"row {n}") for n in sorted(BAD)]
    batches = [(index, rows) for index, rows, _ in kind.calls]
    assert batches == [
        (0, [0, 1, 2, 3]), (0, [0]), (0, [1]), (0, [2]), (0, [3]),
        (1, [4, 5, 6, 7]),
        (2, [8, 9, 10, 11]), (2, [8]), (2, [9]), (2, [10]), (2, [10]), (2, [11]),
        (3, [12, 13]),
    ]  # fmt: skip
    drawn: dict[int, set[float]] = {}
    for index, _, number in kind.calls:
        drawn.setdefault(index, set()).add(number)
    assert [len(numbers) for numbers in drawn.values()] == [1] * 4
    assert len(set.union(*drawn.values())) == 4


def test_rows_that_were_not_read_are_not_tried(skips: Alone) -> None:
    class Rows:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, row: int) -> int:
            if row == 1:
                raise ValueError("not read")
            return row

    skips.run(variant(), Rows())
    assert [one.message for one in bad_rows(skips.run_folder)] == ["not read", "row 3"]
    assert [one["x"] for one in saved(skips)] == [0, 2]


def test_a_batch_of_one_row_has_nobody_else_to_blame(skips: Alone) -> None:
    skips.run(variant(), list(range(10)), batch_size=1)
    assert [one.row for one in bad_rows(skips.run_folder)] == [3, 9]


def test_a_row_may_be_failed_while_it_is_alone(skips: Alone) -> None:
    def fails(self: Saving, row: int) -> None:
        if len(self.context.rows) > 1:
            raise ValueError("some row")
        self.context.fail(0, f"alone {row}")

    kind = variant(raise_of=fails, hand_over=lambda *_: None)
    skips.run(kind, list(range(4)))
    assert [(one.row, one.message) for one in bad_rows(skips.run_folder)] == [(3, "alone 3")]


def if_not_alone(self: Saving, row: int) -> None:
    if len(self.context.rows) > 1:
        raise ValueError(f"row {row}")


def test_no_row_is_to_blame_if_each_can_be_processed_alone(skips: Alone) -> None:
    ends(skips, variant(raise_of=if_not_alone), "each of its rows alone can be processed")


def test_no_row_is_to_blame_if_all_fail_alike(skips: Alone) -> None:
    def hand_over(self: Saving, rows: list[int], batch_idx: int) -> None:
        self.context.save("x.jsonl", {"x": rows})
        raise ValueError(f"row {rows[-1]}")

    ends(skips, variant(hand_over=hand_over), "all its 4 rows alone fail alike")


def test_a_refusal_of_ours_counts_against_no_row(skips: Alone) -> None:
    def hand_over(self: Saving, rows: list[int], batch_idx: int) -> None:
        self.context.report_metrics("g", batch_idx, {"a": 1})

    def first(self: Saving, rows: list[int], batch_idx: int) -> None:
        if len(rows) == 1:
            self.context.save("x.jsonl", {"x": [object()]})

    ends(skips, variant(hand_over=first), "row 0 alone is refused ('x.jsonl': column 'x'")


def opens(self: Saving, rows: list[int], batch_idx: int) -> None:
    with self.context.upload_path() as path:
        (path / f"{batch_idx}").touch()


def reports(self: Saving, rows: list[int], batch_idx: int) -> None:
    self.context.report_metrics("g", batch_idx, {"a": 1})


def opens_later(self: Saving, row: int) -> None:
    if len(self.context.rows) > 1:
        raise ValueError(f"row {row}")
    with self.context.upload_path():
        pass


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"hand_over": opens}, "process_batch opens upload_path(): name bad rows by context.fail"),
        ({"raise_of": opens_later}, "upload_path() is no way out of a row"),
        (
            {"hand_over": reports},
            "the batch had reported already, and no agent is here to start another process: name",
        ),
        (
            {"on_checkpoint_start": lambda self: None},
            "the processor has reducers or hooks, and no agent is here to start another process",
        ),
    ],
)
def test_what_cannot_be_dropped_is_not_repeated(
    skips: Alone, members: dict[str, Any], says: str
) -> None:
    ends(skips, variant(**members), says)


def test_a_processor_that_does_nothing_any_more_is_not_believed(skips: Alone) -> None:
    """The row that has broken it may be the only one that is bad."""

    def raise_of(self: Saving, row: int) -> None:
        self.broken = len(self.context.rows) == 1
        raise ValueError(f"row {row}")

    def hand_over(self: Saving, rows: list[int], batch_idx: int) -> None:
        if self.broken:
            raise RuntimeError("closed")

    kind = variant(raise_of=raise_of, hand_over=hand_over, broken=False)
    with pytest.raises(ValueError, match="row 9"):
        skips.run(kind, [8, 9, 10, 11, 0])
    (note,) = skips.run_folder.glob("ledger/00000/failed-*")
    told = json.loads(note.read_text())["error"]
    assert "no row can be processed behind the first that raises, and no agent is here" in told
    assert bad_rows(skips.run_folder) == []


def ends_by_what_is_left_behind(run: Alone, rows: list[int], says: str, **members: Any) -> None:
    """A row that raises leaves `left` behind, for which the calls behind it raise."""

    def raise_of(self: Saving, row: int) -> None:
        self.left = members["leaves"]
        raise ValueError(f"row {row}")

    def hand_over(self: Saving, rows: list[int], batch_idx: int) -> None:
        if self.left:
            self.left -= 1
            raise RuntimeError("busy")
        self.context.save("x.jsonl", {"x": rows})

    kind = variant(raise_of=raise_of, hand_over=hand_over, left=0)
    with pytest.raises((ValueError, RuntimeError), match=r"row|busy"):
        run.run(kind, rows, checkpoint_interval=1, **members.get("options", {}))
    (note,) = run.run_folder.glob("ledger/00000/failed-*")
    told = json.loads(note.read_text())["error"]
    assert f"{says}, and no agent is here" in told, told


def test_a_good_row_behind_one_that_raises_is_not_lost(skips: Alone) -> None:
    """What the batch has left behind is there for one call only."""
    says = "a row behind one that raises does not fail alike if it is tried again"
    ends_by_what_is_left_behind(skips, [0, 1, 2, 4, 8, 3], says, leaves=1)
    assert bad_rows(skips.run_folder) == []
    assert [one["x"] for one in saved(skips)] == [0, 1, 2, 4]


def test_all_rows_may_fail_alike_for_what_the_batch_has_left_behind(skips: Alone) -> None:
    says = "all its 3 rows alone fail alike, so none is to blame"
    ends_by_what_is_left_behind(skips, [0, 3, 1], says, leaves=100)
    assert bad_rows(skips.run_folder) == []


def test_a_row_alone_in_its_batch_is_not_lost_either(skips: Alone) -> None:
    says = "no row can be processed behind another batch that has raised"
    ends_by_what_is_left_behind(skips, [3, 0], says, leaves=100, options={"batch_size": 1})


def test_a_batch_may_raise_for_what_the_one_before_it_has_left_behind(skips: Alone) -> None:
    class Twice(Saving):
        left, calls = False, []

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            left, self.left = self.left, False
            if left and len(batch) > 1:
                raise RuntimeError("busy")
            self.left = 3 in batch.tolist()
            super().process_batch(batch, batch_idx)

    with pytest.raises(RuntimeError, match="busy"):
        skips.run(Twice, [0, 1, 2, 3, 4, 5, 6, 7])
    (note,) = skips.run_folder.glob("ledger/00000/failed-*")
    told = json.loads(note.read_text())["error"]
    assert "each of its rows alone can be processed, and no agent is here" in told, told
    assert [one.row for one in bad_rows(skips.run_folder)] == [3]


def test_reducers_would_know_of_what_is_dropped(skips: Alone) -> None:
    def counts(self: Saving, context: Any) -> None:
        self.context = context
        context.wrap_reducer(sum, name="sum")

    ends(skips, variant(__init__=counts), "the processor has reducers or hooks")


@pytest.mark.parametrize(
    "error",
    [
        lambda: MemoryError("no memory"),
        lambda: torch.OutOfMemoryError("CUDA out of memory"),
        lambda: RuntimeError("CUDA error: device-side assert triggered"),
        lambda: RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        lambda: ConnectionResetError("by peer"),
    ],
)
def test_errors_of_machines_are_raised_at_once(
    skips: Alone, error: Callable[[], Exception]
) -> None:
    def raise_of(self: Saving, row: int) -> None:
        raise error()

    kind = variant(raise_of=raise_of)
    with pytest.raises(type(error())):
        skips.run(kind, list(range(12)))
    assert len(kind.calls) == 1


def test_an_error_of_the_machine_while_a_row_is_alone_ends_it(skips: Alone) -> None:
    def raise_of(self: Saving, row: int) -> None:
        raise ValueError("row") if len(self.context.rows) > 1 else MemoryError("alone")

    with pytest.raises(MemoryError, match="alone"):
        skips.run(variant(raise_of=raise_of), list(range(12)))
    assert bad_rows(skips.run_folder) == saved(skips) == []


def test_what_was_finished_before_it_is_committed(skips: Alone) -> None:
    """Nothing of the batch or of the isolation stands in the way."""
    kind = variant(raise_of=lambda self, row: if_not_alone(self, row) if row > 3 else None)
    with pytest.raises(ValueError, match="row 9"):
        skips.run(kind, list(range(12)), checkpoint_interval=10)
    assert [one["x"] for one in saved(skips)] == list(range(8))


def test_it_holds_with_a_commit_under_way_in_every_batch(skips: Alone) -> None:
    skips.run(variant(), list(range(14)), checkpoint_interval=1)
    assert [one["x"] for one in saved(skips)] == [n for n in range(14) if n not in BAD]


def test_a_stop_in_the_middle_commits_what_is_finished_and_names_nobody(skips: Alone) -> None:
    """Row by row a batch may take longer than a grace period."""

    def stops(self: Saving, row: int) -> None:
        if len(self.context.rows) == 1 and row == 9:
            os.kill(os.getpid(), signal.SIGTERM)
        raise ValueError(f"row {row}")

    with pytest.raises(SystemExit) as raised:
        skips.run(variant(raise_of=stops), list(range(14)), checkpoint_interval=10)
    assert raised.value.code == 85
    assert [one["x"] for one in saved(skips)] == [0, 1, 2, 4, 5, 6, 7]
    assert [one.row for one in bad_rows(skips.run_folder)] == [3]
    skips.run(variant(), list(range(14)), checkpoint_interval=10)
    assert [one["x"] for one in saved(skips)] == [n for n in range(14) if n not in BAD]
    assert [one.row for one in bad_rows(skips.run_folder)] == sorted(BAD)


def test_threads_that_save_are_not_known_to_be_done_with_a_batch(skips: Alone) -> None:
    def hand_over(self: Saving, rows: list[int], batch_idx: int) -> None:
        thread = threading.Thread(
            target=self.context.save, args=("x.jsonl", {"x": rows}), kwargs={"ids": rows}
        )
        thread.start()
        thread.join()

    ends(skips, variant(hand_over=hand_over), "threads of the processor hand results over")
