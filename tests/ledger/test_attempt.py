"""An attempt on a shard: claim, commit, seal, and who may not."""

from dataclasses import replace

import pytest

from batchprocess.ledger import finalize
from batchprocess.ledger.attempt import claim, commit, require_owner, seal
from batchprocess.ledger.create import create
from batchprocess.ledger.documents import bad_rows_of as bad_rows_in
from batchprocess.ledger.effects import Create, Upload
from batchprocess.ledger.read import read_shard
from batchprocess.ledger.survey import problems_of
from batchprocess.protocol.bad_rows import decode_bad_rows
from batchprocess.protocol.errors import (
    Fenced,
    NoProgress,
    ShardClosed,
    ShardSealed,
    StorageDenied,
    TakenOver,
    VerificationError,
)
from batchprocess.protocol.records import decode, record_key
from batchprocess.runs.perform import perform
from support.ledger_steps import (
    OLD,
    PLAN,
    YOUNG,
    claimed,
    completed,
    draft,
    me,
    table_draft,
    with_nonces,
)
from support.storage.fake_storage import FakeMemoryStorage


def test_a_claim_takes_the_cursor_of_the_record_below_it():
    store, first = FakeMemoryStorage(), me("A")
    at = claimed(store, first)
    perform(commit(first, at, draft(0, 4)), store)
    assert claimed(store, me("B")).cursor == 4


def test_a_complete_shard_is_not_claimed():
    store = FakeMemoryStorage()
    completed(store, me())
    before = dict(store.objects)
    with pytest.raises(ShardSealed):
        claimed(store, me("B"))
    assert store.objects == before


def test_a_seal_is_durable_before_anybody_ends_because_of_it():
    store = FakeMemoryStorage()
    completed(store, me())
    with pytest.raises(ShardSealed):
        claimed(store, me("B"))
    assert store.synced[-1] == record_key(0, 3)


def test_who_has_lost_the_shard_finds_out_before_anything_that_is_not_below_his_name():
    store, first = FakeMemoryStorage(), me("A")
    at = claimed(store, first)
    perform(require_owner(first, at), store)
    claimed(store, me("B"))
    with pytest.raises(Fenced):
        perform(require_owner(first, at), store)
    claimed(store, me("C", YOUNG))
    with pytest.raises(TakenOver, match=YOUNG):
        perform(require_owner(first, at), store)


def test_a_lost_answer_is_acted_on_only_once_what_was_read_is_durable():
    store = FakeMemoryStorage()
    store.create("k", b"body")
    assert perform(create("k", b"body"), store) is None
    assert store.synced == ["k"]


def test_an_abandoned_shard_says_to_start_another_run():
    store = FakeMemoryStorage()
    perform(finalize.close(me("F"), PLAN), store)
    with pytest.raises(ShardClosed, match="start another run"):
        claimed(store, me("B"))


def test_the_younger_of_two_jobs_wins():
    store = FakeMemoryStorage()
    claimed(store, me("A", OLD))
    claimed(store, me("B", YOUNG))
    with pytest.raises(TakenOver, match=YOUNG):
        claimed(store, me("C", OLD))
    with pytest.raises(TakenOver):
        perform(finalize.close(me("F", OLD), PLAN), store)


def test_claims_without_a_commit_are_counted_for_job_and_retry_alone():
    store = FakeMemoryStorage()
    for name in "ABC":
        claimed(store, me(name))
    before = dict(store.objects)
    with pytest.raises(NoProgress, match="3 attempts in a row"):
        claimed(store, me("D"))
    assert store.objects == before
    claimed(store, me("E", retry=1))


def test_a_commit_must_begin_at_the_cursor_and_a_seal_at_the_end():
    store, who = FakeMemoryStorage(), me()
    at = claimed(store, who)
    with pytest.raises(VerificationError, match="cannot follow 0"):
        perform(commit(who, at, draft(1, 2)), store)
    with pytest.raises(VerificationError, match="cannot be sealed at 0"):
        perform(seal(who, at, draft(10, 10), batches=10), store)


def test_bad_rows_are_uploaded_before_the_record_that_counts_them_and_the_next_attempt_knows_them():
    store, first = FakeMemoryStorage(), me("A")
    at = perform(commit(first, claimed(store, first), draft(0, 2, bad=(0, 1))), store)
    at = perform(commit(first, at, draft(2, 3)), store)
    assert at.bad_rows == 2
    again = claimed(store, me("B"))
    assert again.bad_rows == 2
    assert perform(commit(me("B"), again, draft(3, 5, bad=(4,))), store).bad_rows == 3
    found = [decode(store.objects[record_key(0, n)], shard=0, seq=n) for n in (2, 3, 5)]
    assert [(one.bad_rows.count, one.bad_rows.total) for one in found] == [(2, 2), (0, 2), (1, 3)]
    assert [one.bad_rows.object is None for one in found] == [False, True, False]
    body = store.objects[found[0].bad_rows.object.key]
    assert [one.row for one in decode_bad_rows(body.splitlines(), "k")] == [0, 1]


def test_a_shard_without_bad_rows_has_records_without_that_field():
    store = FakeMemoryStorage()
    completed(store, me())
    assert not any(b"bad_rows" in body for body in store.objects.values())
    assert not any(key.startswith("errors/") for key in store.objects)


def test_a_kill_between_the_bad_rows_and_their_record_counts_nothing_of_them():
    store, first = FakeMemoryStorage(), me("A")
    flow = commit(first, claimed(store, first), draft(0, 2, bad=(0, 1)))
    upload = next(flow)
    assert isinstance(upload, Upload)
    for key, staged in upload.items:
        store.put(key, staged.source)
    flow.close()
    again = claimed(store, me("B"))
    assert (again.cursor, again.bad_rows) == (0, 0)
    at = perform(commit(me("B"), again, draft(0, 2, bad=(1,))), store)
    assert at.bad_rows == 1


def test_files_of_save_stand_in_the_folder_of_their_name():
    store, who = FakeMemoryStorage(), with_nonces(me())
    perform(commit(who, claimed(store, who), table_draft(0, 4)), store)
    nonce = b"A-1".hex().ljust(32, "0")
    assert store.objects[f"tables/rows/00000-00000002-{nonce}.jsonl"] == b"x"
    assert not any(key.startswith("data/") for key in store.objects)


@pytest.mark.parametrize("made", [draft, table_draft])
@pytest.mark.parametrize("may_delete", [True, False])
def test_a_fenced_attempt_takes_back_what_it_uploaded_where_it_may(made, may_delete):
    store, old, new = FakeMemoryStorage(), with_nonces(me("A")), with_nonces(me("B"))
    at = claimed(store, old)
    at = perform(commit(old, at, made(0, 4)), store)
    counts = set(store.objects)
    claimed(store, new)
    if not may_delete:
        store.fail("delete", StorageDenied("no"), times=1)
    with pytest.raises(Fenced):
        perform(commit(old, at, made(4, 8)), store)
    assert counts <= set(store.objects)
    left = set(store.objects) - counts - {record_key(0, 3)}
    assert len(left) == (0 if may_delete else 1)


def test_bad_rows_of_an_older_twin_count_nothing_and_do_not_stay():
    store, old, young = FakeMemoryStorage(), me("A"), me("B")
    at = claimed(store, old)
    now = perform(commit(young, claimed(store, young), draft(0, 10, bad=(1, 2))), store)
    with pytest.raises(Fenced):
        perform(commit(old, at, draft(0, 10, bad=(1, 2, 3))), store)
    perform(seal(young, now, draft(10, 10), batches=10), store)
    ledger = perform(read_shard(0), store)
    assert bad_rows_in([ledger]) == 2
    (left,) = (key for key in store.objects if key.startswith("errors/"))
    assert [one.row for one in decode_bad_rows(store.objects[left].splitlines(), left)] == [1, 2]


def test_an_attempt_of_an_older_version_in_between_makes_no_ledger_wrong():
    store, first, older = FakeMemoryStorage(), me("A"), me("O")
    perform(commit(first, claimed(store, first), draft(0, 2, bad=(1,))), store)
    at = replace(claimed(store, older), bad_rows=0)
    perform(commit(older, at, draft(2, 4)), store)
    again = claimed(store, me("B"))
    assert again.bad_rows == 0
    at = perform(commit(me("B"), again, draft(4, 10, bad=(5, 6))), store)
    perform(seal(me("B"), at, draft(10, 10), batches=10), store)
    ledger = perform(read_shard(0), store)
    assert perform(problems_of(ledger, PLAN), store) == ()
    assert bad_rows_in([ledger]) == 3


def follows(store, who, attempt):
    return perform(claim(who, max_without_progress=3, follows=attempt), store).position


def test_who_follows_an_attempt_goes_on_above_it_and_fences_it():
    store, first = FakeMemoryStorage(), me("A")
    at = perform(commit(first, claimed(store, first), draft(0, 4, bad=[1])), store)
    after = follows(store, me("B"), "A")
    assert (after.seq, after.cursor, after.bad_rows) == (3, 4, 1)
    assert decode(store.objects[record_key(0, 3)], shard=0, seq=3).follows == "A"
    assert follows(store, me("C"), "B").seq == 4
    with pytest.raises(Fenced):
        perform(commit(first, at, draft(4, 10)), store)


@pytest.mark.parametrize("others", [["A", "B"], ["B"], []])
def test_who_follows_claims_above_nobody_else(others):
    store = FakeMemoryStorage()
    for name in others:
        claimed(store, me(name))
    before = dict(store.objects)
    with pytest.raises(Fenced, match="a newer attempt owns shard 0 than the one"):
        follows(store, me("C"), "A")
    assert store.objects == before


def test_who_loses_the_race_to_a_stranger_does_not_follow():
    """The stranger has claimed between our reading and our claim."""
    store = FakeMemoryStorage()
    claimed(store, me("A"))

    def overtaken(flow):
        effect = next(flow)
        while True:
            if isinstance(effect, Create):
                claimed(store, me("X"))
            effect = flow.send((yield effect))

    with pytest.raises(Fenced):
        perform(overtaken(claim(me("B"), max_without_progress=None, follows="A")), store)
    assert decode(store.objects[record_key(0, 2)], shard=0, seq=2).attempt == "X"
    assert record_key(0, 3) not in store.objects


def test_claims_that_follow_are_no_tries_of_their_own():
    store = FakeMemoryStorage()
    for name in "AB":
        claimed(store, me(name))
        for number in range(5):
            follows(store, me(f"{name}{number + 1}"), f"{name}{number}" if number else name)
    assert claimed(store, me("C")).seq == 13
    with pytest.raises(NoProgress, match="3 attempts in a row"):
        claimed(store, me("D"))
    assert follows(store, me("C1"), "C").seq == 14
