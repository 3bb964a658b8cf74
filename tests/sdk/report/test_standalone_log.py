"""What a script run alone says, and that it leaves logging to whoever has set it up."""

import logging
import subprocess
import sys

import pytest

from batchprocess.protocol.run import Summary
from batchprocess.sdk.report import standalone_log

SUMMARY = Summary(
    runId="r1",
    job="j",
    rows=10,
    batches=5,
    shards=1,
    failedShards=(),
    files=2,
    bytes=9,
    attempts=1,
    startedAt=None,
    finishedAt="2026-01-01T00:00:00+00:00",
    durationSeconds=None,
    metrics={"accuracy": 0.5},
)


def test_a_run_is_told_from_where_it_goes_on_and_where_its_outputs_are(caplog):
    caplog.set_level(logging.INFO, logger="batchprocess")
    standalone_log.log_beginning("/out/r1", 0, 0, 5)
    standalone_log.log_beginning("/out/r1", 0, 3, 5)
    standalone_log.log_that_others_go_on("/out/r1", 0)
    standalone_log.log_summary("/out/r1", SUMMARY)
    assert caplog.messages == [
        "shard 0 begins: 5 batches; /out/r1",
        "shard 0 goes on: 3 of 5 batches are committed; /out/r1",
        "shard 0 is complete, others are not yet; /out/r1",
        "metric accuracy: 0.5",
        "run r1 is complete: 10 rows, 2 files; outputs: /out/r1",
    ]


def printed(*lines: str) -> str:
    imported = "from batchprocess.sdk.report.standalone_log import log_to_stderr"
    code = "\n".join(["import logging", imported, *lines])
    code += "\nlog_to_stderr(); log_to_stderr(); logging.getLogger('batchprocess').info('hello')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr


@pytest.mark.slow
def test_a_script_without_logging_hears_us_once_and_one_with_logging_decides_itself():
    assert printed() == "batchprocess: hello\n"
    assert printed("logging.basicConfig(level='WARNING')") == ""
    assert printed("logging.basicConfig()", "logging.getLogger('batchprocess').setLevel(20)") == (
        "INFO:batchprocess:hello\n"
    )
