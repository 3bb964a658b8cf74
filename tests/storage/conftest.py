"""The stores that the conformance suite runs on."""

from pathlib import Path

import pytest

from batchprocess.storage.base import Storage
from batchprocess.storage.local import LocalStorage
from support.storage.s3_stores import gateway, minio_server, open_s3

__all__ = ["gateway", "minio_server"]


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
