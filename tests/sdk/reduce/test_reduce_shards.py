"""The reducers' result over all shards counts every record of them."""

import pytest

from batchprocess.protocol.errors import StorageUnavailable
from batchprocess.protocol.records import record_key
from batchprocess.sdk.reduce.reduce_shards import ShardReduction
from batchprocess.sdk.report.error_report import Where
from support.ledger_steps import completed, me
from support.patience import patience
from support.storage.fake_storage import FakeMemoryStorage


def test_half_a_ledger_is_not_reduced():
    completed(store := FakeMemoryStorage(), me())
    reduction = ShardReduction(list, store, lambda key: store.objects[key], patience())
    assert reduction.of_all_shards(1, Where(0)).error is None
    del store.objects[record_key(0, 3)]
    with pytest.raises(StorageUnavailable, match="shows no seal of shard 0 any more"):
        reduction.of_all_shards(1, Where(0))
