"""The list of a run's rows is kept before run.json, and read by everybody as it was kept."""

from array import array

import pytest

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.rows.dataset_rows import ALL_ROWS
from batchprocess.protocol.rows.row_list import MAX_ROWS, row_list_key
from batchprocess.protocol.run import ListedRows, RunInfo
from batchprocess.runs.perform import perform
from batchprocess.runs.row_lists.stored_list import keep_rows, listed, rows_of_run
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import RUN

ROWS = array("q", [3, 5, 8])
ABOUT = listed(ROWS, "a-run", 10)


def over(about: ListedRows, rows: int = 3) -> RunInfo:
    return RUN.model_copy(update={"rows": rows, "listed": about})


def test_the_list_is_kept_once_by_whoever_comes_and_read_by_all() -> None:
    store = FakeMemoryStorage()
    for _ in range(2):
        perform(keep_rows(ROWS, ABOUT), store)
    found = rows_of_run(store, over(ABOUT))
    assert list(found.at((0, 3))) == [3, 5, 8]
    assert ABOUT.sha256 in next(iter(store.objects))
    assert rows_of_run(store, RUN) is ALL_ROWS


def test_a_rivals_bytes_under_the_key_are_told() -> None:
    store = FakeMemoryStorage()
    store.put(row_list_key(ABOUT.sha256), b"other")
    with pytest.raises(VerificationError, match="has other bytes than its name says"):
        perform(keep_rows(ROWS, ABOUT), store)


@pytest.mark.parametrize("body", [b"", b"x" * 24, b"x" * 10_000_000])
def test_what_is_not_the_list_is_refused(body: bytes) -> None:
    store = FakeMemoryStorage()
    store.put(row_list_key(ABOUT.sha256), body)
    with pytest.raises(VerificationError):
        rows_of_run(store, over(ABOUT))


def test_a_list_that_is_lost_or_too_long_is_refused() -> None:
    with pytest.raises(VerificationError, match="is missing"):
        rows_of_run(FakeMemoryStorage(), over(ABOUT))
    with pytest.raises(VerificationError, match=f"it may have {MAX_ROWS}"):
        rows_of_run(FakeMemoryStorage(), over(ABOUT, MAX_ROWS + 1))
