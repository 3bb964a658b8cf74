"""The head of a shard is found without listing."""

import pytest

from batchprocess.ledger.head import find_head
from batchprocess.protocol.records import Claim, encode, record_key
from batchprocess.runs.perform import perform
from support.ledger_steps import AT, OLD
from support.storage.fake_storage import FakeMemoryStorage


@pytest.mark.parametrize("length", [*range(40), 200, 1_000])
def test_the_head_is_found_with_few_reads(length):
    store = FakeMemoryStorage()
    for seq in range(1, length + 1):
        record = Claim(
            shard=0, seq=seq, prev=None, nonce="n", attempt="a", job=OLD, cursor=0, at=AT
        )
        store.objects[record_key(0, seq)] = encode(record)
    head = perform(find_head(0), store)
    assert (head.record.seq if head else 0) == length
    assert store.calls["get"] <= 4 * max(length, 1).bit_length() + 2
