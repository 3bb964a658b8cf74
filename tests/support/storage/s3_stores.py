"""Fixtures: real S3 servers, and a store on one of them. A conftest.py names those it wants."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from batchprocess.storage.s3 import S3Storage
from support.storage.s3_server import Server, minio, versitygw


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture(scope="session")
def minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with minio(tmp_path_factory.mktemp("minio")) as server:
        yield server


def open_s3(server: Server, prefix: str, monkeypatch: pytest.MonkeyPatch) -> S3Storage:
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)
    return S3Storage(server.bucket, prefix, server.settings())


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.slow)])
def job_folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Storage:
    """An empty job folder; S3 is reached by the address alone, as AWS's own tools would."""
    if request.param == "local":
        return open_storage(str(tmp_path / "job"))
    server: Server = request.getfixturevalue("gateway")
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return open_storage(f"s3://{server.bucket}/{tmp_path.name}/job")
