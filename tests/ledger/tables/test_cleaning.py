"""Strays are deleted only in tables that nobody else works with."""

from batchprocess.ledger.tables.cleaning import tables_to_clean
from batchprocess.runs.perform import perform
from support.storage.fake_storage import FakeMemoryStorage


def test_any_log_is_of_others_in_a_table_without_one_of_ours() -> None:
    store = FakeMemoryStorage()
    for stem in ("a", "b", "c"):
        store.objects[f"tables/{stem}/00000-00000002-{'0' * 32}.parquet"] = b""
    for stem in ("a", "b"):
        store.objects[f"tables/{stem}/_delta_log/{0:020d}.json"] = b""
    assert perform(tables_to_clean(), store) == ("a", "b", "c")
    assert perform(tables_to_clean(["b", "c"]), store) == ("a", "c")
