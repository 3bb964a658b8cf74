"""A run leaves bad rows out of their batches, names each, and saves all others."""

import json
from typing import Any

import pytest
import torch

from batchprocess import TorchBatchProcessor, results
from support.script_runs import Alone
from support.skipping_runs import alone, bad_rows, skips

__all__ = ["alone", "skips"]

WORKERS = pytest.mark.parametrize("workers", [0, 2])


class Rows:
    """Numbers, some of which cannot be read."""

    def __init__(self, rows: int, broken: set[int]) -> None:
        self.rows, self.broken = rows, broken

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: int) -> int:
        if row in self.broken:
            raise ValueError(f"row {row} is broken")
        return row


class Saving(TorchBatchProcessor):
    def __init__(self, context: Any) -> None:
        self.context = context
        self.seen = context.wrap_reducer(list, name="seen")

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        assert batch.tolist() == self.context.rows == self.context.ids
        noise = torch.rand(()).item()
        self.context.save("x.jsonl", {"x": batch.float(), "noise": [noise] * len(batch)})
        self.seen.update([batch_idx, *batch.tolist()])


def saved(run: Alone) -> list[Any]:
    return [json.loads(line) for line in run.lines()]


def contents(run: Alone) -> list[bytes]:
    """Of all files, in the order of commits."""
    return [one.read() for one in results(str(run.run_folder))]


@pytest.mark.slow
@WORKERS
def test_rows_that_raise_are_left_out_and_named(skips: Alone, workers: int) -> None:
    broken = {0, 5, 6, 8, 9, 10, 11, 21}
    skips.run(Saving, Rows(22, broken), dataloader_kwargs={"num_workers": workers})
    assert [one["id"] for one in saved(skips)] == [n for n in range(22) if n not in broken]
    found = bad_rows(skips.run_folder)
    assert [(one.row, one.batch) for one in found] == [(n, n // 4) for n in sorted(broken)]
    assert {(one.stage, one.type, one.id, one.file) for one in found} == {
        ("reading", "ValueError", None, None)
    }
    assert found[1].message == "row 5 is broken"
    assert "raise ValueError" in found[1].traceback
    assert "batchprocess/sdk" not in found[1].traceback


@pytest.mark.slow
@WORKERS
def test_the_other_rows_and_batches_are_as_if_nothing_was(skips: Alone, workers: int) -> None:
    """Random numbers are those of the batch, and a batch without a row is not processed."""
    options: dict[str, Any] = {"dataloader_kwargs": {"num_workers": workers}, "batch_size": 2}
    skips.run(Saving, Rows(12, {3, 6, 7}), **options)
    seen = skips.summary()["metrics"]["seen"]
    assert seen == [[0, 0, 1], [1, 2], [2, 4, 5], [4, 8, 9], [5, 10, 11]]


def test_a_run_without_bad_rows_is_to_the_byte_what_it_is_without_asking(
    skips: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sums(Saving):
        def process_batch(self, batch: Any, batch_idx: int) -> None:
            self.context.save("x.parquet", {"x": batch.float()})

    skips.run(Sums, Rows(20, set()))
    assert not (skips.run_folder / "errors").exists()
    with_skip = contents(skips)
    monkeypatch.undo()
    monkeypatch.setenv("BATCHPROCESS_OUTPUT", str(skips.folder / "plain"))
    plain = Alone(skips.folder / "plain", skips.renew)
    plain.run(Sums, Rows(20, set()))
    assert with_skip == contents(plain)


def test_errors_of_machines_are_never_rows(skips: Alone) -> None:
    class Broken(Rows):
        def __getitem__(self, row: int) -> int:
            if row == 5:
                raise OSError(5, "Input/output error", "/mnt/a")
            return super().__getitem__(row)

    with pytest.raises(OSError, match="Input/output"):
        skips.run(Saving, Broken(22, set()))
    assert bad_rows(skips.run_folder) == []


class Failing(TorchBatchProcessor):
    """Says of some rows that they are bad."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        good = []
        for at, row in enumerate(batch.tolist()):
            if row in {2, 5, 6}:
                self.context.fail(at, KeyError(f"row {row}") if row == 2 else f"no face in {row}")
            else:
                good.append(row)
        self.context.save("x.jsonl", {"x": good})


def test_rows_that_user_code_fails_are_named_and_the_others_saved(skips: Alone) -> None:
    skips.run(Failing, Rows(10, {6}))
    assert saved(skips) == [{"id": n, "x": n} for n in range(10) if n not in {2, 5, 6}]
    found = [(one.row, one.stage, one.type, one.message) for one in bad_rows(skips.run_folder)]
    assert found == [
        (2, "process_batch", "KeyError", "'row 2'"),
        (5, "process_batch", "ValueError", "no face in 5"),
        (6, "reading", "ValueError", "row 6 is broken"),
    ]


def test_without_skip_it_ends_the_attempt_and_names_the_row(alone: Alone) -> None:
    with pytest.raises(KeyError) as raised:
        alone.run(Failing, Rows(10, set()))
    assert "row 2" in str(raised.value)
    (note,) = alone.run_folder.glob("ledger/00000/failed-*")
    told = json.loads(note.read_text())
    assert (told["row"], told["error"]) == (
        2,
        "process_batch raised KeyError: 'row 2' (batch 0 of shard 0, row 2)",
    )
    assert told["line"].startswith(__file__)
