"""What a worker is told in its environment variables comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.protocol.environment import (
    WITH_ROWS,
    InputSettings,
    S3Settings,
    WorkerEnvironment,
)
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.rows.settings import RowSettings

ENVIRONMENT = {"job": "20260101T000000Z-x", "job_name": "j", "run_uri": "/r", "shards": 4}


@given(
    shard=st.none() | st.integers(0, 9_999),
    hparams=st.dictionaries(st.text(), st.integers() | st.text() | st.none()),
    limit=st.none() | st.integers(1, 100),
    interval=st.none() | st.integers(1, 1_000),
    processor=st.none() | st.from_regex(r"[a-z]+:[A-Z]+", fullmatch=True),
)
def test_an_environment_survives_the_trip_through_variables(
    shard, hparams, limit, interval, processor
):
    before = WorkerEnvironment(
        **ENVIRONMENT,
        shard=shard,
        hparams=hparams,
        max_attempts_without_progress=limit,
        checkpoint_interval=interval,
        processor=processor,
    )
    assert WorkerEnvironment.from_env(before.to_env()) == before


def test_a_bad_variable_is_named_with_its_value():
    environ = WorkerEnvironment(**ENVIRONMENT).to_env() | {"BATCHPROCESS_SHARDS": "none"}
    with pytest.raises(InvalidArgument, match=r"BATCHPROCESS_SHARDS must be JSON, found 'none'"):
        WorkerEnvironment.from_env(environ)


def test_settings_of_s3_that_nobody_asked_for_are_not_told_for_older_workers_refuse_them():
    plain = WorkerEnvironment(**ENVIRONMENT).to_env()
    assert plain["BATCHPROCESS_S3"] == "{}"
    asked = WorkerEnvironment(**ENVIRONMENT, s3=S3Settings(region="eu", addressing="path"))
    files = InputSettings(uri="a.txt")
    told = WorkerEnvironment(**ENVIRONMENT, input=files).to_env()["BATCHPROCESS_INPUT"]
    assert "new_since" not in told
    newer = WorkerEnvironment(
        **ENVIRONMENT, input=files.model_copy(update={"new_since": "a-run"})
    ).to_env()
    assert '"new_since": "a-run"' in newer["BATCHPROCESS_INPUT"]
    assert asked.to_env()["BATCHPROCESS_S3"] == '{"region": "eu", "addressing": "path"}'
    assert WorkerEnvironment.from_env(asked.to_env()) == asked


def test_a_job_that_wants_some_rows_is_refused_by_workers_that_would_process_all():
    rows = RowSettings(bad_rows_of="a-run", skip=(3, 7))
    asked = WorkerEnvironment(**ENVIRONMENT, protocol=WITH_ROWS, rows=rows)
    assert asked.to_env()["BATCHPROCESS_PROTOCOL"] == "2"
    assert WorkerEnvironment.from_env(asked.to_env()) == asked
    plain = WorkerEnvironment(**ENVIRONMENT).to_env()
    assert plain["BATCHPROCESS_PROTOCOL"] == "1"
    assert "BATCHPROCESS_ROWS" not in plain
    with pytest.raises(InvalidArgument, match="BATCHPROCESS_PROTOCOL: Input should be 1 or 2"):
        WorkerEnvironment.from_env(plain | {"BATCHPROCESS_PROTOCOL": "3"})
    with pytest.raises(InvalidArgument, match=r"BATCHPROCESS_ROWS: .*'only' .*must not do without"):
        WorkerEnvironment.from_env(plain | {"BATCHPROCESS_ROWS": '{"only": [1]}'})


def test_a_setting_of_s3_that_a_worker_does_not_know_is_refused_with_what_to_do():
    environ = WorkerEnvironment(**ENVIRONMENT).to_env() | {"BATCHPROCESS_S3": '{"sse": "kms"}'}
    with pytest.raises(
        InvalidArgument, match=r"BATCHPROCESS_S3: .*'sse' \(found 'kms'\).*image of"
    ):
        WorkerEnvironment.from_env(environ)


def test_a_worker_has_consecutive_shards_of_its_list():
    job = WorkerEnvironment(**ENVIRONMENT, index=1, processes_per_worker=3)
    assert job.shards_of_worker() == (3,)
    retry = job.model_copy(update={"shard_list": (5, 7, 11, 13), "processes_per_worker": 2})
    assert retry.shards_of_worker() == (11, 13)
