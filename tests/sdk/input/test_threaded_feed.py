"""A thread reads ahead, in order, and raises nothing where nobody would see it."""

import threading

import pytest
import torch

from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.threaded_feed import ThreadedFeed
from support.fake_port import FakePort


def test_a_thread_reads_two_batches_ahead_and_no_more() -> None:
    port, read = FakePort(), []

    def source():
        for number in range(8):
            read.append(number)
            yield torch.tensor([number])

    feed = ThreadedFeed(source(), 8, Prefetch(port, everything=True))
    for number in range(8):
        assert feed.next_batch().item() == number
        assert len(read) <= number + 3
        feed.batch_done()
    feed.close()
    assert port.opened
    assert not [one for one in threading.enumerate() if one.name == "batchprocess-feed"]


def test_closing_ends_a_thread_that_is_ahead() -> None:
    feed = ThreadedFeed(iter(torch.arange(100)), 100, Prefetch(FakePort()))
    feed.next_batch()
    feed.close()
    assert not [one for one in threading.enumerate() if one.name == "batchprocess-feed"]


def test_what_reading_raised_is_raised_where_the_batch_is_taken() -> None:
    def source():
        yield torch.ones(1)
        raise KeyError("row 7")

    feed = ThreadedFeed(source(), 3, Prefetch(FakePort()))
    assert feed.next_batch().item() == 1
    with pytest.raises(KeyError, match="row 7"):
        feed.next_batch()
    feed.close()
