"""Options of a command take the place of what the job file says, or add to it."""

from pathlib import Path
from typing import Any

import click
import pytest

from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.rows.options import RowOptions, comes_before, runs_before
from batchprocess.storage.factory import open_storage
from support.job_cases import job, merged, spec


def made(**more: Any) -> BatchProcessJob:
    return BatchProcessJob.model_validate(job(merged(spec(), more)))


def test_a_run_takes_the_place_of_the_files_and_rows_are_left_out_besides(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("7\n3\n")
    found = made(rows={"badRowsOf": "one", "skip": [3, 9]})
    options = RowOptions(bad_rows_of="/runs/job/two", skip_rows=tmp_path / "rows")
    rows = options.applied_to(found).spec.rows
    assert (rows.bad_rows_of, rows.skip) == ("/runs/job/two", [3, 7, 9])
    assert RowOptions().applied_to(found).spec == found.spec


def test_a_run_that_depends_on_where_one_stands_is_refused() -> None:
    with pytest.raises(click.UsageError, match="runs/two must be a run's id, an absolute path"):
        RowOptions(bad_rows_of="runs/two").applied_to(made())


def test_the_runs_that_a_job_goes_on_from_are_known_by_name_and_address() -> None:
    found = made(
        dataset=None, input={"uri": "a.txt", "newSince": "one"}, rows={"badRowsOf": "/r/job/two"}
    )
    assert runs_before(found) == ["one", "/r/job/two"]
    assert [
        comes_before(found, open_storage(f"/r/job/{name}")) for name in ("one", "two", "three")
    ] == [
        True,
        True,
        False,
    ]
    assert not comes_before(found, open_storage("/other/two"))
    assert runs_before(made()) == []
