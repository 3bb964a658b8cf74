"""Names of jobs are completed from the cluster, and silence is no answer."""

from typing import Any

import pytest

from batchprocess.cli.cluster import known_names
from batchprocess.cli.cluster.plugin import completions
from batchprocess.client.errors import Unavailable
from support.client.fake_server import FakeTransport, fake_cluster, stored


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen: list[Any] = []
    connection, transport = fake_cluster({"items": [stored({"state": "Running"})], "metadata": {}})

    def connect(namespace: str | None, context: str | None, impatient: float) -> Any:
        seen.append((namespace, context, impatient))
        return connection

    monkeypatch.setattr(known_names, "connect", connect)
    assert isinstance(transport, FakeTransport)
    return seen


def test_names_are_those_of_the_namespace_that_was_typed(asked: list[Any]) -> None:
    assert completions(["watch", "-n", "team", "di"]) == ["digits\tRunning", ":4"]
    assert asked == [("team", None, 3.0)]


def test_what_is_named_already_is_not_offered_again(asked: list[Any]) -> None:
    assert completions(["suspend", "digits", ""]) == [":4"]


def test_a_cluster_that_does_not_answer_has_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, _ = fake_cluster(*[Unavailable("away")] * 60)
    monkeypatch.setattr(known_names, "connect", lambda *_, **__: connection)
    assert completions(["watch", ""]) == [":4"]
