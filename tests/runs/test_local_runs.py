"""Runs begun on this machine."""

from datetime import UTC, datetime

import pytest

from batchprocess.ledger.head import find_head
from batchprocess.protocol.errors import VerificationError
from batchprocess.runs.local_runs import job_id_after, read_standing
from batchprocess.runs.perform import perform
from support.ledger_steps import YOUNG, claimed, me
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import begin, work


def test_a_job_id_is_younger_than_every_other_whatever_the_clock_says():
    store = FakeMemoryStorage()
    claimed(store, me("A", YOUNG))
    head = perform(find_head(0), store)
    early = datetime(2025, 1, 1, tzinfo=UTC)
    assert job_id_after(early, [head]) > YOUNG
    assert job_id_after(datetime(2027, 1, 1, tzinfo=UTC), [head]).startswith("20270101T000000Z-")


def test_a_job_id_that_is_none_is_named():
    store = FakeMemoryStorage()
    claimed(store, me("A", "yesterday-x"))
    head = perform(find_head(0), store)
    with pytest.raises(VerificationError, match="'yesterday-x', which is no job id: those begin"):
        job_id_after(datetime(2027, 1, 1, tzinfo=UTC), [head])


def test_heads_of_a_run_are_kept_without_the_files_that_they_name():
    store = FakeMemoryStorage()
    begin(store)
    work(store, 0, end=1)
    assert perform(find_head(0), store).record.files
    standing = read_standing(store, 2)
    (head, none), named = standing.heads, perform(find_head(0), store)
    assert none is None
    assert (head.record.files, head.record.cursor, head.digest) == ((), 1, named.digest)
