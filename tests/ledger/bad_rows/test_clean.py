"""Bad rows that no record names."""

from batchprocess.ledger.attempt import commit, seal
from batchprocess.ledger.bad_rows.clean import clean_bad_rows
from batchprocess.ledger.read import read_shard
from batchprocess.runs.perform import perform
from support.ledger_steps import claimed, completed, draft, me
from support.storage.fake_storage import FakeMemoryStorage


def test_bad_rows_that_no_record_names_are_removed_and_nothing_else_under_errors():
    store, who = FakeMemoryStorage(), me()
    at = perform(commit(who, claimed(store, who), draft(0, 10, bad=(3,))), store)
    perform(seal(who, at, draft(10, 10), batches=10), store)
    strays = {"errors/00000/00000009-zombie.jsonl", "errors/00000/00000002-B-0.jsonl"}
    store.objects |= dict.fromkeys(strays, b"late") | {"errors/notes.txt": b"of a stranger"}
    ledgers = [perform(read_shard(0), store)]
    kept = set(store.objects) - strays
    assert perform(clean_bad_rows(ledgers), store) == []
    assert set(store.objects) == kept
    assert sum(key.startswith("errors/") for key in kept) == 2


def test_a_run_without_bad_rows_is_cleaned_of_them_with_one_listing():
    store = FakeMemoryStorage()
    completed(store, me())
    ledgers = [perform(read_shard(0), store)]
    before = store.calls["list"]
    assert perform(clean_bad_rows(ledgers), store) == []
    assert store.calls["list"] == before + 1
