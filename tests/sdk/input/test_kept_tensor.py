"""A large tensor of a loader process is kept as it came, and not copied for that."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from batchprocess.sdk.input.kept_tensor import KeptTensor, kept_apart

NUMBERS = 20_000
"""Of eight bytes: more than are copied."""


def arrived(numbers: int = NUMBERS) -> torch.Tensor:
    """From a loader process, through shared memory."""
    loader: Iterator[Any] = iter(DataLoader([torch.arange(numbers)], None, num_workers=1))
    (found,) = loader
    assert found.is_shared()
    return found


@pytest.mark.slow
def test_what_user_code_writes_is_not_seen_in_what_is_kept() -> None:
    came = arrived()
    mine, kept = kept_apart(came)
    assert mine.data_ptr() != came.data_ptr()
    assert torch.equal(mine, came)
    mine.numpy()[:3] = 7  # by which no version moves
    mine[-1] = 7
    assert kept.array("x").tolist() == list(range(NUMBERS))
    assert came.tolist() == list(range(NUMBERS))
    assert mine.tolist() == [7, 7, 7, *range(3, NUMBERS - 1), 7]


@pytest.mark.slow
def test_the_memory_that_came_is_what_is_kept() -> None:
    came = arrived()
    mine, kept = kept_apart(came)
    came[0] = 5
    assert (int(kept.array("x")[0]), int(mine[0])) == (5, 5)


@pytest.mark.slow
def test_a_forked_child_writes_to_its_own() -> None:
    mine, kept = kept_apart(arrived())
    child = os.fork()
    if not child:
        mine[0] = 9
        os._exit(int(mine[0]) - 9)
    assert os.waitpid(child, 0)[1] == 0
    assert int(mine[0]) == int(kept.array("x")[0]) == 0


@pytest.mark.parametrize("numbers", [8, NUMBERS])
def test_of_others_a_small_one_is_copied_and_a_large_one_watched(numbers: int) -> None:
    came = torch.arange(numbers)
    mine, kept = kept_apart(came)
    assert mine is came
    assert kept.copied == (numbers == 8)
    mine[0] = 3
    if kept.copied:
        assert kept.array("x").tolist() == list(range(numbers))
    else:
        with pytest.raises(ValueError, match=r"batch\['x'\] was written to"):
            kept.array("x")


@pytest.mark.slow
def test_a_part_of_what_came_is_that_part() -> None:
    mine, kept = kept_apart(arrived()[5_000:])
    mine += 1
    assert mine.tolist() == list(range(5_001, NUMBERS + 1))
    assert kept.array("x").tolist() == list(range(5_000, NUMBERS))
    assert isinstance(kept, KeptTensor)


@pytest.mark.slow
def test_where_memory_is_shared_by_names_it_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    came = arrived()
    monkeypatch.setattr(torch.multiprocessing, "get_sharing_strategy", lambda: "file_system")
    mine, kept = kept_apart(came)
    mine[0] = 4
    assert kept.copied
    assert int(kept.array("x")[0]) == 0
