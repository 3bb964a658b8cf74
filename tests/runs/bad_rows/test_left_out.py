"""Rows that a run has left out become the list of another, in rows of the first dataset."""

from array import array

import pytest

from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.protocol.rows.row_list import row_list_key
from batchprocess.protocol.run import RUN_KEY
from batchprocess.runs.bad_rows import left_out
from batchprocess.runs.bad_rows.left_out import left_out_by
from batchprocess.runs.perform import perform
from batchprocess.runs.row_lists.stored_list import keep_rows, listed
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import RUN, begin, complete


def test_all_of_them_are_listed_in_order() -> None:
    complete(store := FakeMemoryStorage(), bad=(9, 2, 3))
    found = left_out_by(store)
    assert (found.rows.tolist(), found.dataset_rows) == ([2, 3, 9], 10)


def test_of_a_run_that_was_over_a_list_the_dataset_is_the_first_ones() -> None:
    complete(store := FakeMemoryStorage(), bad=(9, 2))
    rows = array("q", range(10))
    about = listed(rows, "before", 400)
    perform(keep_rows(rows, about), store)
    run = RUN.model_copy(update={"listed": about})
    store.put(RUN_KEY, run.model_dump_json().encode())
    assert (left_out_by(store).rows.tolist(), left_out_by(store).dataset_rows) == ([2, 9], 400)
    # Rows that the list has not are no rows of that run.
    other = array("q", range(5, 15))
    perform(keep_rows(other, listed(other, "before", 400)), store)
    run = RUN.model_copy(update={"listed": listed(other, "before", 400)})
    store.put(RUN_KEY, run.model_dump_json().encode())
    with pytest.raises(VerificationError, match="has row 2, which its record has not"):
        left_out_by(store)
    store.delete(row_list_key(listed(other, "before", 400).sha256))
    with pytest.raises(VerificationError, match="is missing"):
        left_out_by(store)


def test_a_run_without_any_or_that_goes_on_is_refused() -> None:
    complete(store := FakeMemoryStorage())
    with pytest.raises(InvalidArgument, match="has left out no row: there is nothing to do"):
        left_out_by(store)
    begin(going := FakeMemoryStorage())
    with pytest.raises(InvalidArgument, match="rows.badRowsOf: run .* is not complete"):
        left_out_by(going)


def test_more_rows_than_a_list_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    complete(store := FakeMemoryStorage(), bad=(9, 2, 3))
    monkeypatch.setattr(left_out, "MAX_ROWS", 3)
    assert len(left_out_by(store).rows) == 3
    monkeypatch.setattr(left_out, "MAX_ROWS", 2)
    with pytest.raises(InvalidArgument, match="has more than 2 bad rows"):
        left_out_by(store)
