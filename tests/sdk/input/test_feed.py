"""The feed hands over a loader's batches in order, and what reading them raised."""

import pytest
import torch
from torch.utils.data import TensorDataset

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.feed import InlineFeed, PlainFeed, open_feed
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import ShardLoader
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.input.threaded_feed import ThreadedFeed
from support.fake_port import FakePort

ROWS = 20


START = Start(ShardPlan(ROWS, 4, 1), 0, 0)


def loader(workers: int = 0) -> ShardLoader:
    return ShardLoader(TensorDataset(torch.arange(float(ROWS))), {"num_workers": workers})


def all_of(feed, batches: int = 5) -> list[float]:
    rows = []
    for _ in range(batches):
        (batch,) = feed.next_batch()
        rows += batch.tolist()
        feed.batch_done()
    feed.close()
    return rows


def test_the_feed_is_chosen_by_device_and_workers() -> None:
    assert type(open_feed(loader(), START, lambda: None)) is PlainFeed
    assert type(open_feed(loader(), START, lambda: Prefetch(FakePort()))) is InlineFeed


@pytest.mark.parametrize("prefetch", [None, Prefetch(FakePort(), everything=True)])
def test_batches_come_in_order(prefetch) -> None:
    assert all_of(open_feed(loader(), START, lambda: prefetch)) == list(range(ROWS))


@pytest.mark.slow
def test_loader_processes_are_read_by_the_thread() -> None:
    feed = open_feed(loader(workers=2), START, lambda: Prefetch(FakePort(), everything=True))
    assert type(feed) is ThreadedFeed
    feed.keep()
    assert all_of(feed) == list(range(ROWS))


def test_reading_ahead_draws_no_random_number() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    open_feed(loader(), START, lambda: None).next_batch()
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("on_gpu", [False, True])
def test_a_feed_that_guessed_wrong_gives_the_batches_of_the_right_start(workers, on_gpu) -> None:
    prefetch = Prefetch(FakePort(), everything=True) if on_gpu else None
    feed = open_feed(loader(workers), START, lambda: prefetch)
    feed.restart(Start(START.plan, 0, 3))
    assert all_of(feed, batches=2) == list(range(12, ROWS))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_misses_rows_is_sent_ahead_as_any(workers: int) -> None:
    class Broken:
        def __len__(self) -> int:
            return ROWS

        def __getitem__(self, row: int) -> int:
            if row in {1, *range(4, 8)}:
                raise ValueError("broken")
            return row

    prefetch = Prefetch(FakePort(), everything=True)
    made = ShardLoader(Broken(), {"num_workers": workers}, skip=True)
    feed = open_feed(made, START, lambda: prefetch)
    feed.keep()
    partial = feed.next_batch()
    assert type(partial) is PartialBatch
    assert (partial.batch.tolist(), partial.rows, partial.bad[0].row) == ([0, 2, 3], (0, 2, 3), 1)
    assert prefetch.device_copy(partial.batch) is not None
    feed.batch_done()
    nothing = feed.next_batch()
    assert (nothing.batch, nothing.rows) == (None, ())
    feed.batch_done()
    whole = feed.next_batch()
    assert whole.tolist() == [8, 9, 10, 11]
    assert prefetch.device_copy(whole) is not None
    feed.batch_done()
    feed.read_alone(2, [9, 11])
    assert [feed.next_batch().tolist() for _ in range(3)] == [[9], [11], [12, 13, 14, 15]]
    feed.close()
