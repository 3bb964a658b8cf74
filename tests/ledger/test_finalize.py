"""The end of a run: summary, manifest, `_SUCCESS`, and what is cleaned."""

from dataclasses import replace

import pytest

from batchprocess.ledger import documents, finalize
from batchprocess.ledger.attempt import commit, seal
from batchprocess.ledger.read import read_shard
from batchprocess.ledger.tables.cleaning import tables_to_clean
from batchprocess.protocol.errors import (
    StorageDenied,
    VerificationError,
)
from batchprocess.protocol.records import record_key
from batchprocess.runs.perform import perform
from support.ledger_steps import (
    AT,
    PLAN,
    RUN,
    claimed,
    completed,
    draft,
    me,
    table_draft,
    with_nonces,
)
from support.storage.fake_storage import FakeMemoryStorage


def finalized(store):
    ledgers = [perform(finalize.close(me("F"), PLAN), store)]
    perform(finalize.check(ledgers, PLAN), store)
    reduced = documents.Reduction({})
    summary = documents.summarize("r", RUN, ledgers, reduced, f"{AT[:-7]}9+00:00")
    return ledgers, perform(finalize.publish(summary, ledgers), store)


def test_finalizing_twice_writes_the_same_and_keeps_the_first_summary():
    store = FakeMemoryStorage()
    completed(store, me())
    _, first = finalized(store)
    before = dict(store.objects)
    _, second = finalized(store)
    assert (second, store.objects) == (first, before)
    assert (first.rows, first.batches, first.files) == (10, 10, 1)


def test_ledgers_are_durable_before_the_manifest_is_made_of_them():
    store = FakeMemoryStorage()
    completed(store, me())
    ledger = perform(finalize.close(me("F"), PLAN), store)
    assert store.synced[-1] == record_key(0, len(ledger.records))


def test_another_manifest_than_the_ledgers_is_an_error():
    store = FakeMemoryStorage()
    completed(store, me())
    store.objects["manifest.jsonl"] = b"{}"
    with pytest.raises(VerificationError, match=r"manifest.jsonl exists and differs"):
        finalized(store)
    assert "_SUCCESS" not in store.objects


def test_a_missing_file_is_named_and_nothing_is_published():
    store = FakeMemoryStorage()
    completed(store, me())
    key = next(key for key in store.objects if key.startswith("data/"))
    del store.objects[key]
    with pytest.raises(VerificationError, match=f"names {key}, which is missing"):
        finalized(store)
    assert "_SUCCESS" not in store.objects


@pytest.mark.parametrize("lost", [(2,), (2, 3)])
def test_no_abandoned_seal_is_put_where_a_record_is_lost(lost):
    store = FakeMemoryStorage()
    claimed(store, me("A"))
    completed(store, me("B"))
    for number in lost:
        del store.objects[record_key(0, number)]
    before = dict(store.objects)
    with pytest.raises(VerificationError, match="record 2 of shard 0 is missing, although"):
        perform(finalize.close(me("F"), PLAN), store)
    assert store.objects == before


def test_no_shard_is_abandoned_whose_last_records_are_lost():
    store = FakeMemoryStorage()
    at = claimed(store, who := me("A"))
    for batch in range(3):
        at = perform(commit(who, at, draft(batch, batch + 1)), store)
    for number in (3, 4):
        del store.objects[record_key(0, number)]
    before = dict(store.objects)
    with pytest.raises(
        VerificationError, match="ends at record 2, although it has files of record 4, which only"
    ):
        perform(finalize.close(me("F"), PLAN), store)
    assert store.objects == before
    # Whoever goes on does these batches again, and its files are in nobody's way.
    completed(store, me("B"))
    perform(finalize.close(me("F"), PLAN), store)
    finalized(store)


def test_files_of_a_commit_that_was_not_made_are_no_loss():
    store = FakeMemoryStorage()
    at = claimed(store, who := me("A"))
    perform(commit(who, at, draft(0, 1)), store)
    del store.objects[record_key(0, 2)]
    assert perform(finalize.close(me("F"), PLAN), store).outcome == "abandoned"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "_SUCCESS cannot be read: Invalid JSON"),
        (b"{}", "_SUCCESS cannot be read: manifest: Field required"),
    ],
)
def test_a_success_that_is_none_is_named(body, sentence):
    store = FakeMemoryStorage()
    store.objects["_SUCCESS"] = body
    with pytest.raises(VerificationError, match=sentence):
        perform(finalize.finished(), store)


ORPHAN = f"tables/rows/00000-00000009-{'0' * 32}.jsonl"
"""Of an attempt that has died, or was fenced, before its record."""


def run_with_a_table(*others):
    store = FakeMemoryStorage()
    who = with_nonces(me())
    at = perform(commit(who, claimed(store, who), table_draft(0, 10)), store)
    perform(seal(who, at, draft(10, 10), batches=10), store)
    for key in (ORPHAN, *others):
        store.objects[key] = b"late"
    ledgers, _ = finalized(store)
    return store, ledgers


def cleaned(store, ledgers):
    """What cleaning deletes."""
    before = set(store.objects)
    tables = perform(tables_to_clean(), store)
    refused = perform(finalize.clean(ledgers, tables), store)
    return before - set(store.objects), refused


def test_cleaning_takes_of_a_table_what_no_record_names_and_nobody_else_has_put_there():
    others = (
        "tables/rows/_delta_log/00000000000000000000.json",
        "tables/rows/00000-theirs.jsonl",
        f"tables/rows/sub/00000-00000009-{'0' * 32}.jsonl",
        f"tables/_rows/00000-00000009-{'0' * 32}.jsonl",
    )
    assert cleaned(*run_with_a_table(*others)) == ({ORPHAN}, [])


@pytest.mark.parametrize("number", ["00000000000000000001.json", "_last_checkpoint"])
def test_nothing_is_deleted_of_a_table_that_others_have_gone_on_with(number):
    assert cleaned(*run_with_a_table(f"tables/rows/_delta_log/{number}")) == (set(), [])


def test_what_may_not_be_deleted_is_told():
    store, ledgers = run_with_a_table()
    store.fail("delete", StorageDenied("no"), times=1)
    assert cleaned(store, ledgers) == (set(), [ORPHAN])


def test_what_comes_after_the_cleaning_is_cleaned_by_the_next_one():
    store, ledgers = run_with_a_table()
    assert cleaned(store, ledgers) == ({ORPHAN}, [])
    store.objects[ORPHAN] = b"of a zombie"
    assert cleaned(store, ledgers) == ({ORPHAN}, [])


def test_no_shard_is_abandoned_whose_last_records_are_lost_though_their_files_are_in_tables():
    store, who = FakeMemoryStorage(), with_nonces(me("A"))
    at = claimed(store, who)
    for batch in range(3):
        at = perform(commit(who, at, table_draft(batch, batch + 1)), store)
    for number in (3, 4):
        del store.objects[record_key(0, number)]
    with pytest.raises(VerificationError, match="ends at record 2, although it has files of reco"):
        perform(finalize.close(me("F"), PLAN, tables=("rows",)), store)


def test_cleaning_removes_what_no_record_names_and_nothing_else():
    store = FakeMemoryStorage()
    completed(store, me())
    store.objects["data/00000/00000009-zombie/out"] = b"late"
    store.objects["data/00001/other-shard"] = b"kept"
    ledgers, _ = finalized(store)
    kept = set(store.objects) - {"data/00000/00000009-zombie/out"}
    assert perform(finalize.clean(ledgers), store) == []
    assert set(store.objects) == kept


def test_no_shard_is_abandoned_of_which_bad_rows_alone_show_that_its_end_is_lost():
    store, who = FakeMemoryStorage(), me("A")
    at = claimed(store, who)
    for batch in range(3):
        left = replace(draft(batch, batch + 1, bad=(batch,)), files=())
        at = perform(commit(who, at, left), store)
    for number in (3, 4):
        del store.objects[record_key(0, number)]
    with pytest.raises(VerificationError, match="although it has files of record 4"):
        perform(finalize.close(me("F"), PLAN), store)


def test_missing_bad_rows_are_named_and_nothing_is_published():
    store, who = FakeMemoryStorage(), me()
    at = perform(commit(who, claimed(store, who), draft(0, 10, bad=(3,))), store)
    perform(seal(who, at, draft(10, 10), batches=10), store)
    (key,) = (key for key in store.objects if key.startswith("errors/"))
    store.unlisted = {key}
    finalized(store)
    del store.objects[key]
    with pytest.raises(VerificationError, match=f"names {key}, which is missing"):
        finalized(store)


def test_a_sealed_shard_that_was_read_is_not_read_again():
    store = FakeMemoryStorage()
    completed(store, me())
    known = perform(read_shard(0), store)
    before = store.calls["get"]
    assert perform(finalize.close(me("F"), PLAN, known), store) is known
    assert perform(finalize.require_sealed(me("F"), known), store) is known
    assert store.calls["get"] == before


def test_a_shard_that_has_grown_since_it_was_read_is_closed_behind_its_end():
    store, who = FakeMemoryStorage(), me()
    at = claimed(store, who)
    known = perform(read_shard(0), store)
    perform(commit(who, at, draft(0, 3, bad=(1,))), store)
    closed = perform(finalize.close(me("F"), PLAN, known), store)
    assert (closed.cursor, closed.outcome) == (3, "abandoned")
