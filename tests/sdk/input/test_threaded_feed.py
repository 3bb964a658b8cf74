"""A thread reads ahead, in order, and raises nothing where nobody would see it."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input import threaded_feed
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.threaded_feed import ThreadedFeed
from support.fake_port import FakePort


class FakeBatches:
    """One-number batches, and whether the feed still wants some."""

    def __init__(self, fails_at: int | None = None, *, skips: bool = False) -> None:
        self.skips = skips
        self.read_so_far: list[int] = []
        self.closed = threading.Event()
        self._fails_at = fails_at

    def read(self, start: Start) -> Iterator[torch.Tensor]:
        for number in (*start.alone, *range(start.first, start.first + start.batches)):
            if number == self._fails_at:
                raise KeyError(f"row {number}")
            self.read_so_far.append(number)
            yield torch.tensor([number])

    def close(self) -> None:
        self.closed.set()


def start_at(first: int, batches: int = 8) -> Start:
    return Start(ShardPlan(batches, 1, 1), 0, first)


def open_feed(
    batches: FakeBatches, first: int = 0, port: FakePort | None = None, count: int = 8
) -> ThreadedFeed:
    start = start_at(first, count)
    prefetch = Prefetch(port or FakePort(), everything=True)
    return ThreadedFeed(batches.read(start), start, batches, prefetch)


def has_thread() -> bool:
    return any(one.name == "batchprocess-feed" for one in threading.enumerate())


def test_a_thread_reads_two_batches_ahead_and_no_more() -> None:
    port, batches = FakePort(), FakeBatches()
    feed = open_feed(batches, port=port)
    feed.keep()
    for number in range(8):
        assert feed.next_batch().item() == number
        assert len(batches.read_so_far) <= number + 3
        feed.batch_done()
    feed.close()
    assert port.opened
    assert batches.closed.is_set()
    assert not has_thread()


def test_closing_ends_a_thread_that_is_ahead() -> None:
    for decided in (False, True):
        feed = open_feed(FakeBatches())
        if decided:
            feed.keep()
            feed.next_batch()
        feed.close()
        assert not has_thread()


def test_closing_waits_until_workers_have_ended_but_not_for_a_slow_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threaded_feed, "_JOIN_SECONDS", 0.05)
    may_end = threading.Event()
    slow = FakeBatches()
    monkeypatch.setattr(slow, "close", lambda: may_end.wait(30))
    feed = open_feed(slow, count=1)
    feed.keep()
    feed.next_batch()
    while not feed._only_ends:
        time.sleep(0.01)
    threading.Timer(0.3, may_end.set).start()
    feed.close()
    assert not has_thread()
    asked = threading.Event()
    monkeypatch.setattr(slow, "read", lambda _: iter(asked.wait, None))
    feed = open_feed(slow)
    feed.close()
    assert has_thread()
    asked.set()
    feed._thread.join(30)


def test_what_reading_raised_is_raised_where_the_batch_is_taken() -> None:
    feed = open_feed(FakeBatches(fails_at=1))
    feed.keep()
    assert feed.next_batch().item() == 0
    with pytest.raises(KeyError, match="row 1"):
        feed.next_batch()
    feed.close()


@pytest.mark.parametrize("begun", [0, 6])
def test_after_a_wrong_guess_the_batches_are_those_of_the_right_start(begun: int) -> None:
    port, batches = FakePort(), FakeBatches()
    feed = open_feed(batches, begun, port)
    while len(batches.read_so_far) < 2:
        time.sleep(0.001)
    assert not batches.closed.is_set(), "a short shard's workers must not end before it is decided"
    feed.restart(start_at(4))
    for number in range(4, 8):
        batch = feed.next_batch()
        assert batch.item() == number
        feed.batch_done()
    feed.close()
    assert not has_thread()


def test_what_reading_from_a_wrong_guess_raised_is_nobodys_failure() -> None:
    feed = open_feed(FakeBatches(fails_at=1))
    feed.restart(start_at(2))
    assert [feed.next_batch().item() for _ in range(6)] == list(range(2, 8))
    feed.close()


@pytest.mark.parametrize("at", [0, 3, 7])
def test_rows_are_read_alone_between_two_batches_and_what_was_ahead_is_dropped(at: int) -> None:
    """Also behind the last batch: the loader's workers are there until the feed is closed."""
    port, batches = FakePort(), FakeBatches(skips=True)
    feed = open_feed(batches, port=port)
    feed.keep()
    for number in range(at + 1):
        assert feed.next_batch().item() == number
        feed.batch_done()
    for again in ((100, 101), (102,)):
        feed.read_alone(at, again)
        for row in again:
            assert feed.next_batch().item() == row
            feed.batch_done()
    for number in range(at + 1, 8):
        assert feed.next_batch().item() == number
        feed.batch_done()
    assert not batches.closed.is_set()
    feed.close()
    assert batches.closed.is_set()
    assert not has_thread()


def test_what_reading_a_row_alone_raises_is_raised_where_it_is_taken() -> None:
    batches = FakeBatches(fails_at=100, skips=True)
    feed = open_feed(batches)
    feed.keep()
    feed.next_batch()
    feed.read_alone(0, (100,))
    with pytest.raises(KeyError, match="row 100"):
        feed.next_batch()
    feed.close()
    assert not has_thread()
