"""What the call says and what the job says are one: settings."""

import pytest

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import ShardLoader
from batchprocess.sdk.setup.settings import merge
from support.counting_dataset import Counting

JOB = WorkerEnvironment(job="20260101T000000Z-x", job_name="j", run_uri="/r", shards=4, shard=2)


def call(job=JOB, **given):
    names = ("batch_size", "max_batches", "checkpoint_interval", "dataloader_kwargs")
    return merge(job, **{name: given.get(name) for name in names})


def test_a_value_given_once_holds_and_given_twice_must_agree():
    job = JOB.model_copy(update={"batch_size": 8})
    assert call(job).batch_size == 8
    assert call(job, batch_size=8).batch_size == 8
    with pytest.raises(InvalidArgument, match="batch_size is 9 in the call.*and 8 in the job"):
        call(job, batch_size=9)
    with pytest.raises(ValueError, match="given twice"):
        call(batch_size=8, dataloader_kwargs={"batch_size": 8})
    assert call(dataloader_kwargs={"batch_size": 3}).batch_size == 3
    assert call(job, dataloader_kwargs={"batch_size": 8}).batch_size == 8
    with pytest.raises(InvalidArgument, match="batch_size is 9 in the call.*and 8 in the job"):
        call(job, dataloader_kwargs={"batch_size": 9})


def test_defaults_are_those_of_the_contract_and_warn():
    with pytest.warns(UserWarning, match="batch_size"):
        settings = call()
    assert (settings.batch_size, settings.checkpoint_interval) == (1, 5)
    with pytest.warns(UserWarning, match="max_batches=0 is ignored"):
        assert call(batch_size=1, max_batches=0).max_batches is None


@pytest.mark.parametrize("given", [{"checkpoint_interval": 0}, {"batch_size": 0}])
def test_impossible_numbers_are_refused(given):
    with pytest.raises(ValueError, match="must be"):
        call(**({"batch_size": 1} | given))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shuffle", True),
        ("sampler", []),
        ("batch_sampler", range(3)),
        ("drop_last", True),
        ("in_order", False),
    ],
)
def test_loader_options_that_change_rows_are_refused(name, value):
    options = {name: value}
    with pytest.raises(ValueError, match=name):
        call(batch_size=1, dataloader_kwargs=options)
    assert options == {name: value}


def test_loader_options_that_change_nothing_are_let_through():
    options = {"shuffle": False, "sampler": None, "drop_last": False, "in_order": True}
    settings = call(batch_size=4, dataloader_kwargs=options)
    loader = ShardLoader(Counting(10), settings.loader)
    batches = loader.read(Start(ShardPlan(10, 4, 1), 0, 0))
    assert [len(batch) for batch in batches] == [4, 4, 2]
