"""A loader reads the rows of its shard, from the batch where it resumes."""

import inspect

import pytest
from torch.utils.data import DataLoader

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.loader import check_options, make_loader
from support.counting_dataset import Counting


@pytest.mark.parametrize("options", [{"prefetch_factor": 2}, {"persistent_workers": True}])
def test_loader_options_that_torch_refuses_are_told_as_ours(options):
    with pytest.raises(InvalidArgument, match=f"dataloader_kwargs: .*{next(iter(options))}"):
        make_loader(Counting(10), ShardPlan(10, 4, 1), 0, 0, options)


def test_resuming_at_batch_9000_reads_no_earlier_row():
    data = Counting(40_000)
    plan = ShardPlan(40_000, 4, 1)
    first = next(iter(make_loader(data, plan, 0, 9_000, {})))
    assert first.tolist() == [36_000, 36_001, 36_002, 36_003]
    assert min(data.read) == 36_000


def test_the_shards_batches_together_are_the_dataset_in_order():
    plan = ShardPlan(103, 10, 4)
    loaders = [make_loader(Counting(103), plan, shard, 0, {}) for shard in range(4)]
    rows = [row for loader in loaders for batch in loader for row in batch.tolist()]
    assert rows == list(range(103))


def test_every_option_of_torch_is_allowed_or_refused_with_a_reason():
    known = set(inspect.signature(DataLoader).parameters) - {"dataset"}
    for name in known:
        check_options({name: None})
    with pytest.raises(InvalidArgument) as refused:
        check_options({"num_worker": 2})
    sentence = "dataloader_kwargs has no 'num_worker': what may be given is batch_size, collate_fn"
    assert str(refused.value).startswith(sentence)
    named = set(str(refused.value).partition("given is ")[2].split(", "))
    assert named == known - {"shuffle", "sampler", "batch_sampler", "drop_last", "in_order"}


@pytest.mark.parametrize("name", ["dataset", "numWorkers", 3])
def test_what_is_no_option_of_a_loader_is_refused(name):
    with pytest.raises(InvalidArgument, match=f"has no {name!r}"):
        check_options({name: None})
