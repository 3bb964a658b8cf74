"""What is missing from a ledger: told apart from what a listing does not show yet."""

import pytest

from batchprocess.ledger.attempt import claim
from batchprocess.ledger.read import read_shard
from batchprocess.ledger.survey import problems_of
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import record_key
from batchprocess.runs.perform import perform
from support.ledger_steps import PLAN, claimed, completed, me
from support.storage.fake_storage import FakeMemoryStorage


def completed_store():
    """Records 1 to 6: three claims, a commit, a seal, all of one shard."""
    store = FakeMemoryStorage()
    for name in "AB":
        claimed(store, me(name))
    completed(store, me("C"))
    assert record_key(0, 5) in store.objects
    return store


def found(store):
    ledger = perform(read_shard(0), store)
    return perform(problems_of(ledger, PLAN), store)


def test_a_listing_that_shows_nothing_yet_is_no_problem():
    store = completed_store()
    store.unlisted = set(store.objects)
    assert found(store) == ()
    assert store.calls["stat"] == 1


def test_what_is_listed_is_not_asked_for_by_name():
    store = completed_store()
    assert found(store) == ()
    assert store.calls["stat"] == 0


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_lost_record_is_named_with_one_that_stands_behind_it(number):
    store = completed_store()
    del store.objects[record_key(0, number)]
    assert found(store)[0].startswith(
        f"record {number} of shard 0 is missing, although record 5 stands: was the bucket cleaned"
    )


def test_several_lost_records_in_a_row_are_found():
    store = completed_store()
    for number in (2, 3, 4):
        del store.objects[record_key(0, number)]
    assert "record 2 of shard 0 is missing, although record 5" in found(store)[0]


def test_a_lost_record_is_found_where_the_listing_lags():
    store = completed_store()
    del store.objects[record_key(0, 4)]
    store.unlisted = {record_key(0, 5)}
    assert "record 4 of shard 0 is missing, although record 5" in found(store)[0]


def test_records_that_came_after_the_reading_are_not_taken_for_what_follows_a_loss():
    store = FakeMemoryStorage()
    claimed(store, me("A"))
    early = perform(read_shard(0), store)
    completed(store, me("B"))
    assert perform(problems_of(early, PLAN), store) == ()


@pytest.mark.parametrize("claims", range(2, 12))
def test_nothing_is_claimed_where_a_record_is_lost(claims):
    store = FakeMemoryStorage()
    for number in range(claims):
        perform(claim(me(f"A{number}"), max_without_progress=None), store)
    del store.objects[record_key(0, claims - 1)]
    before = dict(store.objects)
    with pytest.raises(VerificationError, match=f"record {claims - 1} of shard 0 is missing"):
        perform(claim(me("B"), max_without_progress=None), store)
    assert store.objects == before
