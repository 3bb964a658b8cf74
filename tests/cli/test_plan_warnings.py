"""What `plan` warns of, told from counts and storage alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from batchprocess.api.job import BatchProcessJob
from batchprocess.cli import plan_warnings
from batchprocess.protocol.dry_run import DryRunAnswer
from batchprocess.protocol.errors import InvalidArgument, StorageUnavailable
from batchprocess.runs.local_runs import next_run, start_run
from batchprocess.storage.factory import open_storage
from support.local_job import job
from support.storage.made_run import RUN, begin, complete

COUNTED = {"rows": 10, "batches": 5, "shards": 2, "batchSize": 2, "secondsPerBatch": None}


def told(uri: object, given: BatchProcessJob | None = None, **changes: Any) -> list[str]:
    run = RUN.model_copy(update=changes.pop("run", {})).model_dump()
    counted = DryRunAnswer.model_validate({**COUNTED, "run": run, "warnings": [], **changes})
    one = given or job()
    return [*plan_warnings.of_cut(one, counted), *plan_warnings.of_storage(one, str(uri), counted)]


def test_a_sound_job_is_warned_of_nothing(tmp_path: Path) -> None:
    assert told(tmp_path / "out" / "job") == []
    assert not (tmp_path / "out").exists()


def test_a_cut_that_wastes_workers_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, batches=1) == ["2 shards for 1 batch: 1 shard too many"]
    (few,) = told(tmp_path, job(shards=1), batches=20)
    assert few.startswith("1 shard for 1 worker: with many more shards")
    assert told(tmp_path, job(shards=1), batches=19) == []
    (slow,) = told(tmp_path, batchSize=1)
    assert "is batchSize missing?" in slow


def test_a_run_that_would_not_go_on_is_told_with_the_way_out(tmp_path: Path) -> None:
    folder = open_storage(str(tmp_path))
    run_id = next_run(folder, None, datetime.now(UTC))
    assert told(tmp_path) == []
    begin(folder.at(run_id))
    assert told(tmp_path) == []
    (warning,) = told(tmp_path, run={"batch_size": 3})
    assert warning.startswith(f"run {run_id} would not go on: batchSize is 3")
    assert "--fresh" in warning


def test_a_complete_run_is_told(tmp_path: Path) -> None:
    folder = open_storage(str(tmp_path))
    complete(folder.at("one"))
    start_run(folder, "one")
    assert told(tmp_path) == [
        "run one is complete, so run would do nothing; --fresh starts another"
    ]
    (changed,) = told(tmp_path, run={"rows": 12})
    assert changed.startswith("run one is complete, but not this job's: the dataset has 12 rows")


def test_a_plan_of_what_is_new_since_a_run_is_not_compared_with_it(tmp_path: Path) -> None:
    folder = open_storage(str(tmp_path))
    complete(folder.at("one"))
    start_run(folder, "one")
    rows = {"uri": "in/*.jsonl", "newSince": "one"}
    since = job(command=[], processor="rows:Writer", input=rows)
    assert plan_warnings.run_to_go_on(since, str(tmp_path)) is None
    assert told(tmp_path, since, run={"rows": 2}) == []


@pytest.mark.slow
def test_storage_that_cannot_be_used_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "x", "/proc/x"):
        with pytest.raises(
            InvalidArgument, match="storage cannot be used from here: /.*output.uri"
        ):
            told(folder)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    dead = {"uri": "s3://bucket", "s3": {"endpoint": "http://127.0.0.1:1"}}
    with pytest.raises(StorageUnavailable, match="used from here: storage has failed for"):
        told("s3://bucket/job", job(output=dead))


def test_another_system_than_linux_is_told() -> None:
    assert plan_warnings.of_machine("darwin") == ["only Linux is tested"]
    assert plan_warnings.of_machine("linux") == []
