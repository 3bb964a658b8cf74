"""Commands called in this process, on a local folder and on a real S3 server."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batchprocess.cli.main import main
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from support.storage.s3_server import Server, versitygw


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.out)
        return read


Command = Callable[..., Said]


@pytest.fixture
def batchprocess() -> Command:
    def call(*arguments: object, answer: str = "") -> Said:
        done = CliRunner().invoke(main, [str(one) for one in arguments], input=answer)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return Said(done.exit_code, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        yield server


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
