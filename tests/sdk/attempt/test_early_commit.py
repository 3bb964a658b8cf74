"""Finished batches are committed before user code's error ends the attempt, or nothing is."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from batchprocess import TorchBatchProcessor
from batchprocess.sdk.attempt.interfaces import NoDevice
from support.script_runs import Alone, alone

__all__ = ["alone"]

ROWS = list(range(40))
ALL = [{"id": row, "x": float(row)} for row in ROWS]


class Saving(TorchBatchProcessor):
    """Saves every batch at once; batch 6 of 10 fails while `broken`."""

    broken = True

    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        if self.broken and batch_idx == 6:
            self.fail(batch)
        self.context.save("x.jsonl", {"x": batch.float()})

    def fail(self, batch):
        raise ValueError("a bad row")


def variant(**members: Any) -> type[Saving]:
    made: type[Saving] = type("Saving", (Saving,), {"__qualname__": "Saving", **members})
    return made


def cursor(run: Path) -> int:
    """Of the newest record, the claim's included."""
    *_, last = sorted((run / "ledger" / "00000").glob("0*.json"))
    value: int = json.loads(last.read_text())["cursor"]
    return value


def fails(alone: Alone, kind: type[Saving], error: type[BaseException] = ValueError) -> int:
    """The cursor after an attempt that fails, ten batches an interval."""
    with pytest.raises(error):
        alone.run(kind, ROWS, checkpoint_interval=10)
    return cursor(alone.run_folder)


def completes(alone: Alone) -> list[Any]:
    alone.run(variant(broken=False), ROWS, checkpoint_interval=10)
    return [json.loads(line) for line in alone.lines()]


def test_what_was_saved_before_it_is_kept(alone: Alone) -> None:
    assert fails(alone, Saving) == 6
    assert completes(alone) == ALL


class Rows(list[int]):
    def __getitem__(self, row: Any) -> Any:
        if row == 25:
            raise ValueError("row 25")
        return super().__getitem__(row)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_so_it_is_where_an_item_fails(alone: Alone, workers: int) -> None:
    options = {"num_workers": workers}
    with pytest.raises(ValueError, match="row 25"):
        alone.run(
            variant(broken=False), Rows(ROWS), checkpoint_interval=10, dataloader_kwargs=options
        )
    assert cursor(alone.run_folder) == 6
    assert completes(alone) == ALL


def saves_first(self: Saving, batch: torch.Tensor) -> None:
    self.context.save("x.jsonl", {"x": batch.float()})
    raise ValueError("after its save")


def reports_first(self: Saving, batch: torch.Tensor) -> None:
    self.context.report_metrics("m", 6, {"a": 1})
    raise ValueError("after its report")


def uploads_first(self: Saving, batch: torch.Tensor) -> None:
    with self.context.upload_path() as path:
        Path(path, "a").touch()
    raise ValueError("after its file")


def on_hook(self: Saving) -> None:
    """A hook of the processor's own: what it holds back nobody else knows."""


def with_reducer(self: Saving, context: Any) -> None:
    self.context = context
    context.wrap_reducer(len, name="n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "members",
    [
        {"fail": saves_first},
        {"fail": reports_first},
        {"fail": uploads_first},
        {"on_checkpoint_start": on_hook},
        {"on_finish": on_hook},
        {"__init__": with_reducer},
    ],
    ids=lambda members: next(iter(members)) + " " + next(iter(members.values())).__name__,
)
def test_nothing_is_where_that_could_be_half_of_something(
    alone: Alone, members: dict[str, Any]
) -> None:
    assert fails(alone, variant(**members)) == 0
    assert completes(alone) == ALL


def out_of_memory(self: Saving, batch: torch.Tensor) -> None:
    raise MemoryError


def test_nothing_is_for_a_failure_of_the_machine(alone: Alone) -> None:
    assert fails(alone, variant(fail=out_of_memory), MemoryError) == 0
    assert completes(alone) == ALL


def test_nothing_is_if_the_device_has_failed_in_these_batches(
    alone: Alone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def drain(_self: object) -> None:
        raise RuntimeError("an illegal memory access")

    with monkeypatch.context() as broken:
        broken.setattr(NoDevice, "drain", drain)
        assert fails(alone, Saving) == 0
    assert "are not committed: an illegal memory access" in caplog.text
    assert completes(alone) == ALL
