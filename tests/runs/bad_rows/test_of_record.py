"""Bad rows as readers get them."""

import pytest

from batchprocess.ledger.read import read_shard
from batchprocess.ledger.run import plan_of
from batchprocess.protocol.rows.dataset_rows import ALL_ROWS
from batchprocess.runs.bad_rows.of_record import read_bad_rows
from batchprocess.runs.perform import perform
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import RUN, begin, work


def test_bad_rows_are_read_record_by_record_in_order():
    begin(store := FakeMemoryStorage())
    work(store, 1, bad=(7, 6, 9))
    bodies = list(perform(read_shard(1), store).bodies)
    found = [
        [one.row for one in read_bad_rows(store, body, plan_of(RUN), ALL_ROWS)] for body in bodies
    ]
    assert found == [[6, 7], [9], []]


def test_an_object_that_is_gone_is_told_apart_from_one_that_was_changed():
    begin(store := FakeMemoryStorage())
    work(store, 0, bad=(0,))
    body = next(perform(read_shard(0), store).bodies)
    del store.objects[body.bad_rows.object.key]
    with pytest.raises(FileNotFoundError):
        list(read_bad_rows(store, body, plan_of(RUN), ALL_ROWS))
