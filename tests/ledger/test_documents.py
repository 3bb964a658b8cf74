"""Summary and manifest of ledgers that somebody else may have written."""

import pytest

from batchprocess.ledger.documents import Reduction, summarize
from batchprocess.ledger.read import read_shard
from batchprocess.runs.perform import perform
from support.ledger_steps import AT, RUN, completed, me
from support.storage.fake_storage import FakeMemoryStorage


@pytest.mark.parametrize(
    ("at", "seconds"), [(AT, 60), ("2026-01-01T00:00:00", 60), ("long ago", None), ("", None)]
)
def test_the_time_of_a_record_may_be_any_text(at, seconds):
    store = FakeMemoryStorage()
    completed(store, me())
    for key in [key for key in store.objects if key.startswith("ledger/")]:
        store.objects[key] = store.objects[key].replace(AT.encode(), at.encode())
    ledgers = [perform(read_shard(0), store)]
    summary = summarize("r", RUN, ledgers, Reduction({}), "2026-01-01T00:01:00+00:00")
    assert (summary.startedAt, summary.durationSeconds) == (at, seconds)
