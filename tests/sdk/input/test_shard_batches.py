"""A shard's batches are read from where it resumes, with the run's seeds."""

import random
from array import array

import numpy as np
import pytest
import torch

from batchprocess.protocol.rows.dataset_rows import DatasetRows
from batchprocess.protocol.run import Seeds
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import ShardLoader
from support.counting_dataset import Counting

SEEDS = Seeds(torch=1, numpy=2, random=3)


def test_resuming_at_batch_9000_reads_no_earlier_row():
    data = Counting(40_000)
    first = next(ShardLoader(data, {}).read(Start(ShardPlan(40_000, 4, 1), 0, 9_000)))
    assert first.tolist() == [36_000, 36_001, 36_002, 36_003]
    assert min(data.read) == 36_000


def test_the_shards_batches_together_are_the_dataset_in_order():
    plan = ShardPlan(103, 10, 4)
    starts = [Start(plan, shard, 0) for shard in range(4)]
    batches = [batch for start in starts for batch in ShardLoader(Counting(103), {}).read(start)]
    assert [row for batch in batches for row in batch.tolist()] == list(range(103))


class Drawing(Counting):
    """Items are numbers that are drawn where they are read."""

    def __getitems__(self, rows):
        assert type(rows) is list
        return [[float(torch.rand(())), np.random.random(), random.random()] for _ in rows]


def drawn(workers: int, start: Start, **options) -> torch.Tensor:
    loader = ShardLoader(Drawing(40), {"num_workers": workers, "collate_fn": list, **options})
    return torch.tensor(list(loader.read(start)))


@pytest.mark.parametrize(
    "options", [{}, pytest.param({"multiprocessing_context": "spawn"}, marks=pytest.mark.slow)]
)
def test_items_draw_the_numbers_of_their_batch_wherever_they_are_read(options):
    plan = ShardPlan(40, 4, 2)
    whole = drawn(0, Start(plan, 1, 0, SEEDS))
    assert torch.equal(drawn(2, Start(plan, 1, 0, SEEDS), **options), whole)
    assert torch.equal(drawn(2, Start(plan, 1, 3, SEEDS)), whole[3:])
    assert len(whole.unique()) == whole.numel()
    assert not set(whole.flatten().tolist()) & set(
        drawn(0, Start(plan, 0, 0, SEEDS)).flatten().tolist()
    )


def test_without_seeds_the_generators_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(8).tolist()
    torch.manual_seed(5)
    batches = drawn(0, Start(ShardPlan(8, 4, 1), 0, 0))
    assert batches[..., 0].flatten().tolist() == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_rows_that_are_read_alone_draw_the_numbers_of_their_batch(workers):
    plan = ShardPlan(40, 4, 2)
    whole = drawn(0, Start(plan, 1, 0, SEEDS))
    alone = Start(plan, 1, 3, SEEDS, alone=(28, 31))
    assert len(alone) == 4
    loader = ShardLoader(Drawing(40), {"num_workers": workers, "collate_fn": list})
    first, second, *others = list(loader.read(alone))
    assert first == second
    assert torch.equal(torch.tensor(first), whole[2][:1])
    assert torch.equal(torch.tensor(others), whole[3:])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_of_listed_rows_those_that_are_left_out_are_never_read(workers):
    rows = DatasetRows(array("q", [2, 3, 5, 7, 11, 13, 17]), frozenset({3, 11, 13}))
    data = Counting(20)
    start = Start(ShardPlan(7, 2, 1), 0, 0, rows=rows)
    assert (len(start), start.empty) == (3, {2})
    batches = ShardLoader(data, {"num_workers": workers}).read(start)
    assert [batch.tolist() for batch in batches] == [[2], [5, 7], [17]]
    assert not {3, 11, 13} & set(data.read)
    assert (len(Start(start.plan, 0, 2, rows=rows)), len(Start(start.plan, 0, 3, rows=rows))) == (
        1,
        1,
    )


def test_rows_that_are_known_to_be_bad_are_not_read():
    data = Counting(12)
    start = Start(ShardPlan(12, 4, 1), 0, 0, bad=frozenset({1, 2, 8}))
    batches = [batch.tolist() for batch in ShardLoader(data, {}).read(start)]
    assert batches == [[0, 3], [4, 5, 6, 7], [9, 10, 11]]
    assert set(data.read) == set(range(12)) - {1, 2, 8}
    assert len(start) == 3
