"""The job file: what is wrong is told with its line; where its outputs go."""

from pathlib import Path

import pytest

from batchprocess.cli.job_file import job_uri
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.storage.factory import open_storage
from support.local_job import job
from support.script_runs import Script


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "plan", "status"])
def test_a_wrong_job_file_is_told_with_its_line(script: Script, command: str) -> None:
    script.write(
        "job.yaml", "apiVersion: batchprocess.dev/v1alpha1\nkind: BatchProcessJob\nspec: [\n"
    )
    done = script.batchprocess(command, "job.yaml")
    assert done.returncode == 91
    assert done.stderr.startswith("error: job.yaml, line 4: this is not YAML")


@pytest.mark.parametrize("uri", ["s3//bucket/x", "s3:/bucket", "s3:bucket", "S3:/b", "file:/tmp/x"])
def test_an_address_that_is_almost_one_is_refused(uri: str) -> None:
    with pytest.raises(InvalidArgument, match=r"is not understood: is (s3|file):// meant\?"):
        job_uri(job(output={"uri": uri}), Path("job.yaml"))
    with pytest.raises(InvalidArgument, match="meant"):
        open_storage(uri)


@pytest.mark.parametrize("uri", ["gs://bucket/x", "http://host/x", "s3:///x", "file://host/x"])
def test_an_address_of_another_kind_is_refused_as_it_was_given(uri: str) -> None:
    with pytest.raises(InvalidArgument, match=f"output address '{uri}' is not understood. Use s3"):
        job_uri(job(output={"uri": uri}), Path("job.yaml"))


def test_folders_that_only_look_like_it_are_folders(tmp_path: Path) -> None:
    for uri in ("s3", "s3/x", "file", "s3x:y", "./s3:x"):
        assert job_uri(job(output={"uri": uri}), tmp_path / "j.yaml").endswith(f"{uri[-2:]}/job")
    assert open_storage("S3://Bucket/x").uri == "s3://Bucket/x"


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert job_uri(job(output={"uri": "~/x"}), Path("job.yaml")) == "/somewhere/x/job"
