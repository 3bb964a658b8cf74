"""A loader's workers are started once, and read what they are told to."""

import os

import pytest
import torch

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import ShardLoader
from support.counting_dataset import Counting

PLAN = ShardPlan(40, 2, 1)
pytestmark = pytest.mark.slow


class Pids(Counting):
    """Rows with the process that read them."""

    def __getitem__(self, row: int) -> torch.Tensor:
        return torch.tensor([row, os.getpid()])


def test_another_start_is_read_by_the_same_workers_and_what_was_read_is_dropped() -> None:
    loader = ShardLoader(Pids(40), {"num_workers": 2})
    loader.start_workers()
    wrong = loader.read(Start(PLAN, 0, 0))
    pids = set(torch.stack([next(wrong) for _ in range(4)])[..., 1].flatten().tolist())
    right = torch.cat(list(loader.read(Start(PLAN, 0, 5))))
    assert right[:, 0].tolist() == list(range(10, 40))
    assert set(right[:, 1].tolist()) == pids
    assert len(pids - {os.getpid()}) == 2


def test_a_start_that_had_nothing_left_can_still_be_another() -> None:
    loader = ShardLoader(Pids(40), {"num_workers": 2, "prefetch_factor": 1})
    assert list(loader.read(Start(PLAN, 0, 20))) == []
    assert len(list(loader.read(Start(PLAN, 0, 19)))) == 1


def test_workers_that_have_started_read_nothing_before_they_are_told() -> None:
    data = Counting(40)
    loader = ShardLoader(data, {})
    loader.start_workers()
    assert data.read == []
    next(loader.read(Start(PLAN, 0, 3)))
    assert data.read == [6, 7]
