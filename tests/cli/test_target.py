"""What a command works on: addresses as people write them, and what is not there."""

from pathlib import Path

import pytest

from batchprocess.cli.target import job_uri
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from support.commands import Command
from support.local_job import job


@pytest.mark.parametrize("uri", ["s3//bucket/x", "s3:/bucket", "s3:bucket", "S3:/b", "file:/tmp/x"])
def test_an_address_that_is_almost_one_is_refused(uri: str) -> None:
    with pytest.raises(InvalidArgument, match=r"is not understood: is (s3|file):// meant\?"):
        job_uri(job(output={"uri": uri}), Path("job.yaml"))
    with pytest.raises(InvalidArgument, match="meant"):
        open_storage(uri)


def test_folders_that_only_look_like_it_are_folders(tmp_path: Path) -> None:
    for uri in ("s3", "s3/x", "file", "s3x:y", "./s3:x"):
        assert job_uri(job(output={"uri": uri}), tmp_path / "j.yaml").endswith(f"{uri[-2:]}/job")
    assert open_storage("S3://Bucket/x").uri == "s3://Bucket/x"


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert job_uri(job(output={"uri": "~/x"}), Path("job.yaml")) == "/somewhere/x/job"


@pytest.mark.parametrize("command", ["status", "results", "verify", "clean", "run", "plan"])
def test_what_does_not_exist_is_a_usage_error(batchprocess: Command, command: str) -> None:
    said = batchprocess(command, "nothing.yaml")
    assert said.code == 2
    assert "Error: nothing.yaml does not exist" in said.err


@pytest.mark.parametrize("command", ["status", "results", "verify"])
def test_a_folder_without_a_run_is_told(
    job_folder: Storage, batchprocess: Command, command: str
) -> None:
    job_folder.put("notes.txt", b"mine")
    said = batchprocess(command, job_folder.uri)
    assert said.code == 91
    assert "neither a run folder nor a job's folder" in said.err
