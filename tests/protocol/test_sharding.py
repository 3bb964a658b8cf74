"""Shards cut the dataset into consecutive parts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from batchprocess.protocol.sharding import ShardPlan


@given(st.integers(1, 5_000), st.integers(1, 64), st.integers(1, 50))
def test_shards_cut_the_dataset_without_gap_or_overlap(rows, batch_size, shards):
    plan = ShardPlan(rows, batch_size, shards)
    spans = [plan.positions(shard, 0, plan.size(shard)) for shard in range(shards)]
    assert spans[0][0] == 0
    assert spans[-1][1] == rows
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    sizes = [plan.size(shard) for shard in range(shards)]
    longer = plan.batches % shards
    assert sizes == [plan.batches // shards + (shard < longer) for shard in range(shards)]


def test_max_batches_bounds_every_shard():
    plan = ShardPlan(rows=100, batch_size=10, shards=3, max_batches=3)
    assert [plan.size(shard) for shard in range(3)] == [3, 3, 3]
    assert plan.processed_rows == 90


@given(st.integers(1, 5_000), st.integers(1, 64), st.integers(1, 50))
def test_all_rows_are_processed_where_nothing_bounds_the_shards(rows, batch_size, shards):
    assert ShardPlan(rows, batch_size, shards).processed_rows == rows
