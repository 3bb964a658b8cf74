"""One server and one undisturbed run for all campaigns."""

from collections.abc import Iterator

import pytest

from support.storage.s3_server import Server, versitygw
from system.campaign.campaign import Chaos, Outcome, rows, run


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with versitygw(tmp_path_factory.mktemp("s3")) as started, pytest.MonkeyPatch.context() as env:
        for name, value in started.env().items():
            env.setenv(name, value)
        yield started


@pytest.fixture(scope="session")
def undisturbed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, bytes]:
    uri = f"s3://{server.bucket}/undisturbed/digits/1"
    folder = tmp_path_factory.mktemp("undisturbed")
    outcome = run(uri, server.settings(), server.env(), folder, Chaos())
    return outcome, rows(uri, server.settings())
