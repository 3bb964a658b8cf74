"""An attempt finds the run's rows in its run, or makes their list of another run, once."""

from pathlib import Path

import pytest

from batchprocess.ledger.run import open_run
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import DatasetChanged, InvalidArgument, RunMismatch
from batchprocess.protocol.rows.dataset_rows import ALL_ROWS
from batchprocess.protocol.rows.settings import RowSettings
from batchprocess.protocol.run import Asked, RunInfo
from batchprocess.runs.patience import ATTENDED, Patience
from batchprocess.runs.perform import perform
from batchprocess.sdk.attempt.rows.wanted_rows import Found, WantedRows
from batchprocess.sdk.setup.placement import Placement
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from support.storage.made_run import RUN, complete

BAD = (2, 3, 9)


@pytest.fixture
def job(tmp_path: Path) -> Storage:
    """A job's folder with a complete run, `first`, of ten rows."""
    folder = open_storage(str(tmp_path / "job"))
    complete(folder.at("first"), bad=BAD)
    return folder


def wanted(job: Storage, rows: RowSettings | None, run: str = "second") -> WantedRows:
    storage = job.at(run)
    environment = WorkerEnvironment(
        job="j", job_name="job", run_uri=storage.uri, shards=2, rows=rows
    )
    return WantedRows(Placement(environment, storage, 0, alone=False), patience)


def patience(*, first: bool = False) -> Patience:
    return ATTENDED


def begun(job: Storage, found: Found, of: RowSettings, run: str = "second") -> RunInfo:
    """run.json as the attempt that has found these writes it."""
    info = RUN.model_copy(
        update={
            "rows": found.positions,
            "listed": found.about,
            "asked": Asked(shards=2, rows=of.model_dump()),
        }
    )
    return perform(open_run(info), job.at(run))


BAD_ROWS = RowSettings(bad_rows_of="first")


def test_a_job_that_wants_all_rows_asks_no_storage(job: Storage) -> None:
    found = wanted(job, None, "nowhere").find(10)
    assert found == Found(ALL_ROWS, 10)


def test_the_list_is_made_of_the_other_run_and_then_read_from_ones_own(job: Storage) -> None:
    first = wanted(job, BAD_ROWS)
    found = first.find(10)
    assert (found.positions, list(found.rows.at((0, 3)))) == (3, list(BAD))
    assert list(job.at("second").list("")) == []
    first.keep()
    first.keep()
    begun(job, found, BAD_ROWS)
    for key in [one.key for one in job.at("first").list("")]:
        job.at("first").delete(key)
    again = wanted(job, BAD_ROWS)
    assert list(again.find(10).rows.at((0, 3))) == list(BAD)
    assert again.find(10).about == found.about
    again.keep()
    again.require_same_dataset(RUN.model_copy(update={"fingerprint": "any"}))


def test_a_run_that_was_begun_over_other_rows_is_refused(job: Storage) -> None:
    complete(job.at("other"), bad=(1,))
    found = wanted(job, BAD_ROWS)
    begun(job, found.find(10), BAD_ROWS)
    with pytest.raises(RunMismatch, match=r'rows.badRowsOf is "other", but .* with "first"'):
        wanted(job, RowSettings(bad_rows_of="other")).find(10)
    with pytest.raises(RunMismatch, match=r"rows.badRowsOf is first, but .* over the whole"):
        wanted(job, BAD_ROWS, "other").find(10)
    found.keep()
    with pytest.raises(DatasetChanged, match="has 11 rows here, but the run is over some of 10"):
        wanted(job, BAD_ROWS).find(11)


def test_a_dataset_with_other_rows_is_refused_before_anything_is_written(job: Storage) -> None:
    with pytest.raises(InvalidArgument, match="has 11 rows, and that of run first had 10"):
        wanted(job, BAD_ROWS).find(11)
    body = RUN.model_copy(update={"fingerprint": "1"}).model_dump_json().encode()
    job.at("first").put("run.json", body)
    found = wanted(job, BAD_ROWS)
    found.find(10)
    found.require_same_dataset(RUN.model_copy(update={"fingerprint": "1"}))
    with pytest.raises(InvalidArgument, match="the dataset is not the one of run first"):
        found.require_same_dataset(RUN.model_copy(update={"fingerprint": "2"}))
    assert list(job.at("second").list("")) == []


def test_rows_that_are_left_out_by_hand_must_be_the_datasets(job: Storage) -> None:
    found = wanted(job, RowSettings(bad_rows_of="first", skip=(3, 4))).find(10)
    assert (found.positions, list(found.rows.at((0, 3)))) == (3, [2, 9])
    with pytest.raises(InvalidArgument, match="no row 10: its 10 rows are numbered from 0 to 9"):
        wanted(job, RowSettings(skip=(3, 12, 10))).find(10)
