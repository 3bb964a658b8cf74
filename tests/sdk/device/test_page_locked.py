"""Counting what is held, and copies by several threads."""

import pytest
import torch

from batchprocess.sdk.device.page_locked import Copier, HeldMemory

MB = 1 << 20


def test_memory_is_held_until_the_last_view_of_it_is_gone() -> None:
    held = HeldMemory()
    whole = torch.empty(MB, dtype=torch.uint8)
    held.add(whole)
    view = whole[10:20]
    del whole
    array = view.numpy()
    del view
    assert held.bytes == MB
    del array
    assert held.bytes == 0


def test_sizes_count_as_the_allocator_rounds_them() -> None:
    held = HeldMemory()
    kept = torch.empty(3 * MB, dtype=torch.uint8)
    held.add(kept)
    assert held.bytes == 4 * MB


def test_many_batches_that_pass_leave_nothing_behind() -> None:
    held = HeldMemory()
    for _ in range(1_000):
        held.add(torch.empty(1_000))
    assert held.bytes == 0


@pytest.mark.parametrize("cores", [1, 8, 64])
@pytest.mark.parametrize("size", [1, 100, 8 * MB - 1, 8 * MB, 8 * MB + 4097, 20 * MB + 3])
def test_copies_are_whole(cores: int, size: int) -> None:
    source = torch.arange(size, dtype=torch.int64).to(torch.uint8)
    to = torch.zeros_like(source)
    Copier(cores).copy(to, source)
    assert torch.equal(to, source)
