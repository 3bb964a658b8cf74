"""Commits in the background, and what ends them."""

import pytest

from batchprocess.protocol.bad_rows import BadRow
from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.errors import TooManyBadRows
from batchprocess.protocol.records import record_key
from batchprocess.runs.patience import Patience
from batchprocess.sdk.output.agreed_schemas import AgreedSchemas
from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.output.committer import Committer
from batchprocess.sdk.save.table_schemas import TableSchemas
from support.ledger_steps import claimed, me
from support.storage.fake_storage import FakeMemoryStorage


def committer(store, who, position, most):
    limit = BadRowLimit(str(most), 10, most)
    schemas = AgreedSchemas(TableSchemas(), store, lambda: Patience(5))
    return Committer(who, position, store, Patience(5), lambda _: None, limit, schemas)


def contents(first, end, *bad):
    rows = tuple(
        BadRow(row=row, batch=row, stage="reading", type="ValueError", message="m") for row in bad
    )
    span = (first, end)
    return CommitContents(span, span, {}, None, None, (), (), (), rows)


def test_committed_bad_rows_above_the_limit_end_the_attempt_with_all_of_them_committed():
    store, who = FakeMemoryStorage(), me()
    commits = committer(store, who, claimed(store, who), most=2)
    commits.commit(contents(0, 3, 0, 2), None)
    commits.wait()
    commits.commit(contents(3, 5, 3), None)
    with pytest.raises(TooManyBadRows, match="shard 0 alone has 3 bad rows"):
        commits.wait()
    assert record_key(0, 3) in store.objects
    # The next attempt knows it, and goes on with a higher limit.
    again = claimed(store, me("B"))
    assert (again.cursor, again.bad_rows) == (5, 3)
    commits = committer(store, me("B"), again, most=4)
    commits.commit(contents(5, 6, 5), None)
    commits.wait()


def test_a_commit_without_bad_rows_asks_for_no_limit():
    store, who = FakeMemoryStorage(), me()
    commits = committer(store, who, claimed(store, who), most=-1)
    commits.commit(contents(0, 3), None)
    commits.wait()
