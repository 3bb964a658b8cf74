"""A pod's log is told whole and once, however often its connection breaks."""

import queue
from collections.abc import Iterator

import pytest

from batchprocess.client.errors import Denied, Unavailable
from batchprocess.client.logs.log_pods import log_pods
from batchprocess.client.logs.pod_reader import PodReader
from support.client.fake_pods import FakePods, pod
from support.client.fake_server import snapshot
from testcluster.machine.waiting import until

LINES = [(number / 3, f"line {number}") for number in range(30)]


@pytest.fixture
def pods() -> FakePods:
    made = FakePods(pod("a", 0))
    made.write("a", *LINES)
    return made


@pytest.fixture
def told() -> "queue.Queue[object]":
    return queue.Queue(5)


@pytest.fixture
def reader(pods: FakePods, told: "queue.Queue[object]") -> Iterator[PodReader]:
    (of,) = log_pods(list(pods.pods.values()), snapshot())
    made = PodReader(pods.connection(), "team", of, told)  # type: ignore[arg-type]
    yield made
    made.close()
    until("it has ended", lambda: made.done)


def lines(told: "queue.Queue[object]", number: int) -> list[str]:
    return [told.get(timeout=10).text for _ in range(number)]  # type: ignore[attr-defined]


def test_each_line_is_told_once_over_breaks_and_to_the_end(
    pods: FakePods, told: "queue.Queue[object]", reader: PodReader
) -> None:
    pods.broken["a"] = 3
    assert lines(told, 30) == [text for _, text in LINES]
    pods.write("a", (10, "more"))
    assert lines(told, 1) == ["more"]
    pods.write("a", (11, "last"))
    pods.pods["a"] = pod("a", 0, code=0)
    assert lines(told, 1) == ["last"]
    until("it has ended", lambda: reader.done)
    assert told.empty()


def test_a_pod_that_is_gone_ends_it(pods: FakePods, reader: PodReader) -> None:
    del pods.pods["a"]
    until("it has ended", lambda: reader.done or not reader._told.get(timeout=10))


def test_what_nobody_may_read_is_told(
    pods: FakePods, told: "queue.Queue[object]", monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*arguments: object) -> None:
        raise Denied("no")

    monkeypatch.setattr(pods, "stream", denied)
    (of,) = log_pods(list(pods.pods.values()), snapshot())
    PodReader(pods.connection(), "team", of, told)  # type: ignore[arg-type]
    assert isinstance(told.get(timeout=10), Denied)


def test_what_a_lost_node_keeps_is_given_up_once_its_pod_has_ended(
    pods: FakePods, told: "queue.Queue[object]", monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: object) -> None:
        raise Unavailable("no route to the node")

    monkeypatch.setattr(pods, "stream", away)
    pods.pods["a"] = pod("a", 0, code=137)
    (of,) = log_pods(list(pods.pods.values()), snapshot())
    PodReader(pods.connection(), "team", of, told)  # type: ignore[arg-type]
    assert isinstance(told.get(timeout=20), Unavailable)
