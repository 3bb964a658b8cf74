"""Commands in this process, on a cluster whose answers a test gives."""

from collections.abc import Callable

import pytest

from batchprocess.client import jobs
from support.client.fake_server import Answer, FakeTransport, fake_cluster

Cluster = Callable[..., FakeTransport]


@pytest.fixture
def fake_cluster_of(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Have commands meet a cluster that gives these answers; what they ask it."""

    def answering(*answers: Answer) -> FakeTransport:
        connection, transport = fake_cluster(*answers)
        monkeypatch.setattr(jobs, "connect", lambda namespace, context: connection)
        return transport

    return answering
