"""What loader workers send arrives as it was, whichever way it went."""

import os
import threading
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from batchprocess.sdk.input.queues.shared_slots import slots_for
from batchprocess.sdk.input.queues.worker_queues import ForkingContext

SLOTTED = [list, lambda: slots_for(2, 2)]
"""Large tensors go as torch sends them; or in slots."""


class Mixed(Dataset[Any]):
    """Small and large tensors, views, text, and who made them."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, row: int) -> Any:
        small = torch.full((3,), row)
        return {
            "small": small,
            "large": torch.full((300_000,), row, dtype=torch.uint8),
            "views": (small[:2], small[1:]) if row % 2 else (small, small.clone()),
            "text": str(row),
            "pid": os.getpid(),
        }


def as_it_is(rows: list[Any]) -> list[Any]:
    """No collating: nested tensors as the dataset made them."""
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("slots", SLOTTED)
def test_a_loader_gives_the_same_batches_in_the_same_order(slots: Any) -> None:
    loader = DataLoader(
        Mixed(),
        batch_size=3,
        num_workers=2,
        collate_fn=as_it_is,
        multiprocessing_context=ForkingContext(slots),
    )
    rows = [row for batch in loader for row in batch]
    assert [row["text"] for row in rows] == [str(number) for number in range(40)]
    assert os.getpid() not in {row["pid"] for row in rows}
    for number, row in enumerate(rows):
        assert row["small"].tolist() == [number] * 3
        assert (row["large"] == number).all()
        assert [len(view) for view in row["views"]] == ([2, 2] if number % 2 else [3, 3])


def test_nobody_waits_for_a_reader_that_is_gone() -> None:
    queue = ForkingContext().Queue()
    rows = [bytes([number]) * 2_100 for number in range(64)]
    # Not in this thread, which would hang for good.
    putting = threading.Thread(target=lambda: list(map(queue.put, rows)), daemon=True)
    putting.start()
    putting.join(20)
    assert not putting.is_alive()
    assert [queue.get() for _ in rows] == rows
    queue.close()
    queue.join_thread()


class Numbers(Dataset[torch.Tensor]):
    """Many rows."""

    def __len__(self) -> int:
        return 60_000

    def __getitem__(self, row: int) -> torch.Tensor:
        return torch.tensor(row)


@pytest.mark.slow
def test_long_lists_of_rows_reach_the_workers() -> None:
    loader = DataLoader(
        Numbers(), batch_size=20_000, num_workers=2, multiprocessing_context=ForkingContext()
    )
    assert torch.equal(torch.cat(list(loader)), torch.arange(60_000))
