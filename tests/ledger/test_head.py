"""The head of a shard is found without listing."""

from math import log2

import pytest

from batchprocess.ledger.head import Stored, find_head
from batchprocess.protocol.records import Claim, encode, record_key
from batchprocess.runs.perform import perform
from support.ledger_steps import AT, OLD
from support.storage.fake_storage import FakeMemoryStorage


def stored(length: int) -> FakeMemoryStorage:
    store = FakeMemoryStorage()
    for seq in range(1, length + 1):
        add(store, seq)
    return store


def add(store: FakeMemoryStorage, seq: int) -> None:
    record = Claim(shard=0, seq=seq, prev=None, nonce="n", attempt="a", job=OLD, cursor=0, at=AT)
    store.objects[record_key(0, seq)] = encode(record)


@pytest.mark.parametrize("length", [*range(140), 200, 1_000, 1_023, 1_024, 1_025])
def test_the_head_is_found_with_few_reads(length):
    store = stored(length)
    head = perform(find_head(0), store)
    assert (head.record.seq if head else 0) == length
    assert store.calls["get"] <= 2 * log2(max(length, 1)) + 4


@pytest.mark.parametrize("known", [1, 3, 64, 99, 100])
def test_from_a_known_record_on_only_the_distance_counts(known):
    store = stored(100)
    body = store.objects[record_key(0, known)]
    head = perform(find_head(0, after=Stored.parse(body, shard=0, seq=known)), store)
    assert head.record.seq == 100
    assert store.calls["get"] <= 2 * log2(max(100 - known, 1)) + 4


@pytest.mark.parametrize("length", range(12))
@pytest.mark.parametrize("added", range(1, 6))
def test_records_that_are_added_with_every_look_are_followed_to_their_end(length, added):
    store, end = stored(length), length
    get = store.get

    def get_and_grow(key):
        nonlocal end
        found = get(key)
        for _ in range(added if end < 40 else 0):
            end += 1
            add(store, end)
        return found

    store.get = get_and_grow
    head = perform(find_head(0), store)
    # Absent means absent when it was looked at: the last look may come before the last record.
    assert end - added <= head.record.seq <= end if end >= 40 else head is None
