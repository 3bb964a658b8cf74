"""Results come as their shards are read."""

from batchprocess.protocol.run import RunInfo
from batchprocess.runs.perform import FLOWS
from batchprocess.runs.results import results_of
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import begin, work

RUN = RunInfo(rows=200, batch_size=1, batches=200, shards=200, processor="P")


def test_no_more_shards_are_read_than_a_few_beyond_what_is_looked_at():
    store = FakeMemoryStorage()
    begin(store, RUN)
    for shard in range(RUN.shards):
        work(store, shard, run=RUN)
    get, read = store.get, set()

    def counting(key):
        if key.startswith("ledger/"):
            read.add(key.split("/")[1])
        return get(key)

    store.get = counting
    results = results_of(store, RUN)
    assert next(results).shard == 0
    assert len(read) <= FLOWS + 1
    results.close()
    assert not [key for key in store.synced if key.startswith("ledger/")]
