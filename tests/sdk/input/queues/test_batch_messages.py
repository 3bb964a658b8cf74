"""Batches in messages arrive as they were, or are left to torch."""

import contextlib
import gc
import os
import pickle
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from batchprocess.sdk.input.queues.batch_messages import Packed, pack


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


@pytest.mark.slow
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
