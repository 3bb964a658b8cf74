"""What loader workers send arrives as it was, whichever way it went."""

import contextlib
import gc
import os
import pickle
import threading
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from batchprocess.sdk.input.batch_messages import Packed, pack
from batchprocess.sdk.input.shared_slots import slots_for
from batchprocess.sdk.input.worker_queues import ForkingContext

SLOTTED = [list, lambda: slots_for(2, 2)]
"""Large tensors go as torch sends them; or in slots."""


def sent(obj: Any) -> Any:
    """Through a message, as a queue would."""
    packed = pack(obj)
    assert type(packed) is Packed
    return pickle.loads(packed.body)


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.bool, torch.bfloat16, torch.float64, torch.complex64, torch.int64]
)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_small_tensors_travel_in_the_message(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    before = torch.ones(shape, dtype=dtype)
    after = sent({"x": before})["x"]
    assert torch.equal(after, before)
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    assert not after.is_shared()
    assert after.untyped_storage().resizable()


class Pair(NamedTuple):
    """A batch."""

    first: torch.Tensor
    second: torch.Tensor


def test_one_tensor_at_two_places_is_one_again() -> None:
    one = torch.arange(4)
    pair = sent(Pair(one, one))
    pair.first.fill_(7)
    assert pair.second.tolist() == [7] * 4


@pytest.mark.parametrize("order", [1, -1])
def test_views_of_one_memory_go_the_old_way(order: int) -> None:
    whole = torch.arange(4)
    batch = Pair(*[whole, whole[1:]][::order])
    assert pack(batch) is batch


def test_what_cannot_be_pickled_is_left_to_others() -> None:
    batch = [lambda: 1]
    assert pack(batch) is batch


def held() -> int:
    """Open files of torch's shared memory, and its files there; not what other tests have left."""
    gc.collect()
    names = [str(one) for one in Path("/dev/shm").glob(f"torch_{os.getpid()}_*")]
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since
            names.append(str(one.readlink()))
    return len([name for name in names if name.startswith("/dev/shm/torch_")])


@pytest.mark.parametrize("strategy", ["file_descriptor", "file_system"])
def test_what_was_not_sent_after_all_is_not_held(strategy: str, monkeypatch) -> None:
    monkeypatch.setattr(torch.multiprocessing, "_sharing_strategy", strategy)
    large, small = torch.ones(100_000), torch.ones(4)
    pack([torch.ones(100_000), small, small[1:]])
    before = held()
    for _ in range(5):
        batch = [large.clone(), small, small[1:]]
        assert pack(batch) is batch
        del batch
    assert held() == before


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


def test_long_lists_of_rows_reach_the_workers() -> None:
    loader = DataLoader(
        Numbers(), batch_size=20_000, num_workers=2, multiprocessing_context=ForkingContext()
    )
    assert torch.equal(torch.cat(list(loader)), torch.arange(60_000))
