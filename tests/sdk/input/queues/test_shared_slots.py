"""Memory that loader workers use again: never while somebody still holds what is in it."""

import gc
import os
import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from batchprocess.sdk.input.batch_tensors import tensors_in
from batchprocess.sdk.input.host_to_device import CudaPort
from batchprocess.sdk.input.loader import make_loader
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.queues.batch_messages import Packed, pack
from batchprocess.sdk.input.queues.shared_slots import Slots, lies_in_slot, slots_for
from batchprocess.sdk.input.queues.worker_queues import ForkingContext
from batchprocess.sdk.input.shard_batches import ShardBatches
from support.fake_port import FakePort

MB = 1 << 20
SLOTS = Slots(4, 16 * MB)


def sent(obj: Any, slots: Slots) -> Any:
    """Through a slot, as a queue would."""
    packed = pack(obj, slots)
    assert type(packed) is Packed
    assert len(packed.body) < MB
    return pickle.loads(packed.body)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.bfloat16, torch.complex64])
@pytest.mark.parametrize("shape", [(MB,), (1, MB, 1), (16, 3, 256, 256)])
def test_a_large_tensor_arrives_as_it_was(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    before = (torch.arange(torch.Size(shape).numel()) % 2).reshape(shape).to(dtype)
    after = sent({"x": before}, Slots(1, 64 * MB))["x"]
    assert torch.equal(after, before)
    assert (after.dtype, after.stride()) == (before.dtype, before.stride())
    assert not after._is_view()
    after.fill_(1)
    assert before.any()
    assert not before.all()


def test_channels_last_stays() -> None:
    before = torch.rand(4, 3, 128, 128).contiguous(memory_format=torch.channels_last)
    after = sent(before, Slots(1, 64 * MB))
    assert torch.equal(after, before)
    assert after.is_contiguous(memory_format=torch.channels_last)


def test_a_slot_is_free_again_once_nothing_of_its_batch_is_held() -> None:
    slots = Slots(1, 4 * MB)
    first, second = sent((torch.full((MB,), 1.0), torch.ones(100)), slots)[0], None
    view = first[5:10]
    array = view.numpy()
    del first, view
    assert slots.free_slot() is None
    assert array.tolist() == [1] * 5
    del array
    gc.collect()
    slot = slots.free_slot()
    assert slot is not None
    slot.finish(sent=False)
    assert second is None


def test_all_tensors_of_a_batch_share_its_slot() -> None:
    slots = Slots(1, 8 * MB)
    one, two = sent((torch.full((MB,), 1, dtype=torch.uint8), torch.full((MB,), 2.0)), slots)
    del one
    assert slots.free_slot() is None
    assert (two == 2).all()
    del two
    assert slots.free_slot() is not None


def test_what_does_not_fit_goes_the_old_way() -> None:
    slots = Slots(2, MB)
    assert pickle.loads(pack(torch.ones(MB), slots).body).is_shared()
    held = [sent(torch.ones(MB // 4), slots) for _ in range(2)]
    assert pickle.loads(pack(torch.ones(MB // 4), slots).body).is_shared()
    assert len(held) == 2


def test_a_slot_of_a_batch_that_cannot_be_sent_is_not_lost() -> None:
    slots = Slots(1, 8 * MB)
    whole = torch.ones(MB)
    for _ in range(3):
        batch = [torch.ones(MB), lambda: 1]
        assert pack(batch, slots) is batch
        views = [whole, whole[1:]]
        assert pack(views, slots) is views
    assert sent(whole, slots).sum() == MB


def test_memory_outlives_its_owner_while_a_tensor_is_held() -> None:
    slots = Slots(1, 4 * MB)
    kept = sent(torch.full((MB,), 3.0), slots)
    del slots
    gc.collect()
    assert (kept == 3).all()


@pytest.mark.slow
def test_a_child_that_user_code_forks_gives_nothing_back() -> None:
    slots = Slots(1, 4 * MB)
    kept = [sent(torch.full((MB,), 3.0), slots)]
    child = os.fork()
    if child == 0:
        kept.clear()
        os._exit(0)
    os.waitpid(child, 0)
    assert slots.free_slot() is None
    kept.clear()
    assert slots.free_slot() is not None


def test_nothing_stays_open() -> None:
    open_files = Path("/proc/self/fd")
    before = len([*open_files.iterdir()])
    for _ in range(50):
        slots_for(4, 2)
    gc.collect()
    assert len([*open_files.iterdir()]) == before


def test_where_there_are_no_addresses_there_are_no_slots() -> None:
    assert slots_for(2, 2, size=1 << 60) == []


@pytest.mark.parametrize("way", ["pinned", "crowded", "shared"])
def test_user_code_never_gets_a_tensor_in_a_slot(way: str) -> None:
    """What is sent ahead is pinned; the rest, or all if it can't be, is copied."""
    slots, port = Slots(1, 16 * MB), FakePort(crowded=way == "crowded")
    prefetch, twice = Prefetch(port), torch.full((MB,), 2.0)
    for number in range(3):
        before = {"a": torch.full((MB,), 1.0), "b": torch.full((MB,), number), "c": [twice]}
        before["c"] *= 2 if way == "shared" else 1
        got = sent(before, slots)
        assert lies_in_slot(got["a"])
        batch = prefetch.stage(got)
        del got
        assert not any(lies_in_slot(one) for one in tensors_in(batch))
        slot = slots.free_slot()
        assert slot is not None
        slot.finish(sent=False)
        assert all(map(torch.equal, tensors_in(batch), tensors_in(before)))
        assert len({id(one) for one in batch["c"]}) == 1
        prefetch.begin_batch()
        prefetch.device_copy(batch["a"])
        prefetch.end_batch()
    assert port.pinned == (5 if way == "pinned" else 0)


def test_a_port_copies_what_lies_in_a_slot_only() -> None:
    port, outside = CudaPort(torch.device("cpu")), torch.ones(MB)
    inside = sent(torch.rand(4, 3, 256, 256).contiguous(memory_format=torch.channels_last), SLOTS)
    assert port.out_of_slot(outside) is outside
    own = port.out_of_slot(inside)
    assert torch.equal(own, inside)
    assert own.stride() == inside.stride()
    assert not lies_in_slot(own)


@dataclass
class Unknown:
    """A container that the feed does not look into."""

    tensor: torch.Tensor


def test_what_the_feed_would_not_find_goes_the_old_way() -> None:
    found = pickle.loads(pack(Unknown(torch.ones(MB)), SLOTS).body)
    assert not lies_in_slot(found.tensor)
    assert (found.tensor == 1).all()


class Counting(Dataset[torch.Tensor]):
    """Large rows, each full of its number."""

    def __len__(self) -> int:
        return 96

    def __getitem__(self, row: int) -> torch.Tensor:
        return torch.full((100_000,), row, dtype=torch.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("keep", [0, 3, 96])
def test_batches_kept_by_user_code_stay_as_they_are(keep: int) -> None:
    loader = DataLoader(
        Counting(),
        batch_size=2,
        num_workers=2,
        multiprocessing_context=ForkingContext(lambda: slots_for(2, 2)),
    )
    kept, places = [], set()
    for number, batch in enumerate(loader):
        assert batch[:, 0].tolist() == [2 * number, 2 * number + 1]
        places.add(batch.data_ptr())
        kept = [*kept, (number, batch)][-keep:] if keep else []
        for at, one in kept:
            assert (one == torch.tensor([[2 * at], [2 * at + 1]])).all()
    assert len(places) <= 8 or keep > 3


@pytest.mark.slow
def test_a_reader_that_is_slow_changes_nothing() -> None:
    """Workers finish as much as they may ahead of it."""
    loader = DataLoader(
        Counting(),
        batch_size=8,
        num_workers=1,
        prefetch_factor=3,
        multiprocessing_context=ForkingContext(lambda: slots_for(1, 3)),
    )
    for number, batch in enumerate(loader):
        time.sleep(0.02)
        assert batch[:, -1].tolist() == list(range(8 * number, 8 * number + 8))


@pytest.mark.parametrize(
    ("gpu", "options", "slots"),
    [
        (True, {}, [4, 4]),
        (True, {"prefetch_factor": 5}, [7, 7]),
        (True, {"pin_memory": True}, [4, 4]),
        (True, {"pin_memory": False}, []),
        (False, {}, []),
    ],
)
def test_loaders_have_slots_where_batches_are_copied_at_once(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, options: dict[str, Any], slots: list[int]
) -> None:
    monkeypatch.setattr("batchprocess.sdk.input.loader.has_gpu", lambda: gpu)
    batches = ShardBatches(for_workers=True)
    made = make_loader(Counting(), batches, {"num_workers": 2, **options})
    assert [len(one._free) for one in made.multiprocessing_context._slots] == slots
