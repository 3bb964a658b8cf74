"""Runs for commands that read, made by the ledger's own code; a job for those that run one."""

import pytest

from batchprocess.runs.local_runs import start_run
from batchprocess.storage.base import Storage
from support.rows_job import CODE
from support.script_runs import Script
from support.storage.made_run import begin, complete, work


@pytest.fixture
def run(job_folder: Storage) -> Storage:
    """A complete run, the latest of its job."""
    complete(job_folder.at("one"))
    start_run(job_folder, "one")
    return job_folder.at("one")


@pytest.fixture
def going(job_folder: Storage) -> Storage:
    """A run that is still going: shard 0 is sealed, shard 1 has one batch of two."""
    storage = job_folder.at("two")
    begin(storage)
    work(storage, 0)
    work(storage, 1, end=1)
    start_run(job_folder, "two")
    return storage


@pytest.fixture
def job(script: Script) -> Script:
    script.write("rows.py", CODE)
    return script
