"""Results come as their shards are read."""

import pytest

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import record_key
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


def test_results_of_a_run_that_goes_on_leave_out_no_shard_that_has_lost_a_record():
    store, run = (
        FakeMemoryStorage(),
        RunInfo(rows=3, batch_size=1, batches=3, shards=1, processor="P"),
    )
    begin(store, run)
    work(store, 0, end=2, run=run)
    assert len(list(results_of(store, run))) == 2
    del store.objects[record_key(0, 2)]
    with pytest.raises(VerificationError, match="record 2 of shard 0 is missing, although"):
        list(results_of(store, run))


def test_a_file_that_was_changed_is_not_read_for_the_one_that_was_committed():
    begin(store := FakeMemoryStorage(), RUN)
    work(store, 0, run=RUN)
    result = next(results_of(store, RUN))
    assert result.read() == b"0\n"
    store.objects[result.file.key] = b"9\n"
    with pytest.raises(VerificationError, match="was changed: its digest is not the one in the"):
        result.read()
