"""A run that another one goes on from has done all that it was over."""

import pytest

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.run import RUN_KEY, SUMMARY_KEY
from batchprocess.runs.patience import ATTENDED
from batchprocess.runs.row_lists.whole_run import require_whole
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import RUN, begin, complete


def refused(store: FakeMemoryStorage) -> str:
    with pytest.raises(InvalidArgument) as error:
        require_whole(store, "rows.badRowsOf", ATTENDED)
    return str(error.value)


def test_what_it_was_begun_with_is_given() -> None:
    complete(store := FakeMemoryStorage())
    assert require_whole(store, "rows.badRowsOf", ATTENDED) == RUN


def test_one_that_is_not_there_or_not_complete_or_bounded_is_refused_by_name() -> None:
    store = FakeMemoryStorage()
    assert refused(store).startswith("rows.badRowsOf: run ")
    assert "does not exist" in refused(store)
    begin(store)
    assert "is not complete: finish it first" in refused(store)
    complete(whole := FakeMemoryStorage())
    bounded = RUN.model_copy(update={"max_batches": 1})
    whole.put(RUN_KEY, bounded.model_dump_json().encode())
    assert "had maxBatches 1" in refused(whole)


def test_failed_shards_are_named_if_they_are_few() -> None:
    complete(store := FakeMemoryStorage())
    body = store.get(SUMMARY_KEY)
    assert body is not None
    failed = body.replace(b'"failedShards": []', b'"failedShards": [0,1,2,3,4,5,6]')
    store.put(SUMMARY_KEY, failed)
    assert "without all rows of shard 0, 1, 2, 3, 4 and 2 more: process" in refused(store)
