"""A pod's folder for each test, and a store of its own behind a road that can be closed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import batchprocess
from support.pod_runs import Pod
from support.storage.fault_proxy import FaultProxy, Faults, fault_proxy
from support.storage.s3_server import Server, versitygw

__all__ = ["batchprocess"]


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A store of the test's own."""
    (tmp_path / "s3").mkdir()
    with versitygw(tmp_path / "s3") as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def proxy(gateway: Server) -> Iterator[FaultProxy]:
    """A road to it that can be closed."""
    with fault_proxy(gateway.endpoint, Faults(), seed=1) as made:
        yield made
