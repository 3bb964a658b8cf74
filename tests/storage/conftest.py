"""The stores that the conformance suite runs on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchprocess.storage.base import Storage
from batchprocess.storage.local import LocalStorage
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


@pytest.fixture(
    params=["local", "versitygw", pytest.param("minio", marks=pytest.mark.full)],
)
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Storage:
    if request.param == "local":
        return LocalStorage(tmp_path / "run")
    name = "gateway" if request.param == "versitygw" else "minio_server"
    return open_s3(request.getfixturevalue(name), tmp_path.name, monkeypatch)


def open_s3(server: Server, prefix: str, monkeypatch: pytest.MonkeyPatch) -> S3Storage:
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)
    return S3Storage(server.bucket, prefix, server.settings())
