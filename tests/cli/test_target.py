"""What a command works on: what is not there is told."""

import pytest

from batchprocess.storage.base import Storage
from support.commands import Command


@pytest.mark.parametrize("command", ["status", "results", "verify", "clean", "run", "plan"])
def test_what_does_not_exist_is_a_usage_error(batchprocess: Command, command: str) -> None:
    said = batchprocess(command, "nothing.yaml")
    assert said.code == 2
    assert "Error: nothing.yaml does not exist" in said.err


@pytest.mark.parametrize("command", ["run", "plan"])
def test_an_address_is_no_job_file(batchprocess: Command, command: str) -> None:
    said = batchprocess(command, "s3://bucket/job.yaml")
    assert said.code == 2
    assert "Error: this command takes a job file, on this machine, and no address" in said.err


@pytest.mark.parametrize("command", ["status", "results", "verify"])
def test_a_folder_without_a_run_is_told(
    job_folder: Storage, batchprocess: Command, command: str
) -> None:
    job_folder.put("notes.txt", b"mine")
    said = batchprocess(command, job_folder.uri)
    assert said.code == 91
    assert "neither a run folder nor a job's folder" in said.err
