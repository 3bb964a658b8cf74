"""The feed hands over a loader's batches in order, and what reading them raised."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.feed import InlineFeed, PlainFeed, open_feed
from batchprocess.sdk.input.loader import make_loader
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.threaded_feed import ThreadedFeed
from support.fake_port import FakePort

ROWS = 20


def loader(workers: int = 0, dataset=None) -> DataLoader:
    data = TensorDataset(torch.arange(float(ROWS))) if dataset is None else dataset
    return make_loader(data, ShardPlan(ROWS, 4, 1), 0, 0, {"num_workers": workers})


def all_of(feed) -> list[float]:
    rows = []
    for _ in range(5):
        (batch,) = feed.next_batch()
        rows += batch.tolist()
        feed.batch_done()
    feed.close()
    return rows


def test_the_feed_is_chosen_by_device_and_workers() -> None:
    assert type(open_feed(loader(), lambda: None)) is PlainFeed
    assert type(open_feed(loader(), lambda: Prefetch(FakePort()))) is InlineFeed


@pytest.mark.parametrize("prefetch", [None, Prefetch(FakePort(), everything=True)])
def test_batches_come_in_order(prefetch) -> None:
    assert all_of(open_feed(loader(), lambda: prefetch)) == list(range(ROWS))


@pytest.mark.slow
def test_loader_processes_are_read_by_the_thread() -> None:
    feed = open_feed(loader(workers=2), lambda: Prefetch(FakePort(), everything=True))
    assert type(feed) is ThreadedFeed
    assert all_of(feed) == list(range(ROWS))


def test_reading_ahead_draws_no_random_number() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    open_feed(loader(), lambda: None).next_batch()
    assert torch.equal(torch.rand(2), expected)
