"""Messages about jobs whose pods are played, from a real operator to a real receiver."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.operator_bench import objects
from benchmarks.operator_bench.stages import Play
from benchmarks.operator_bench.world import World, world
from support.operator.receiver import Received, Reply, receiver
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SHARDS = 4


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world(Play(SHARDS, worker_seconds=3)) as here:
        yield here


def destinations(**urls: str) -> str:
    """The operator's setting."""
    made = [{"name": name, "type": "webhook", "url": url} for name, url in urls.items()]
    return json.dumps({"destinations": made, "cluster": "test"})


def apply(here: World, name: str, **notify: Any) -> str:
    """The job's uid."""
    body = objects.job(name, SHARDS, 1)
    body["spec"]["notify"] = notify
    here.plane.kubectl.apply(json.dumps(body))
    return str(here.plane.kubectl.get("bpj", name)["metadata"]["uid"])


def status(here: World, name: str) -> dict[str, Any]:
    return dict(here.plane.kubectl.get("bpj", name).get("status", {}))


def settled(here: World, name: str) -> bool:
    """Whether the job is over, and nothing is left to tell."""
    told = status(here, name)
    return told.get("state") == "Complete" and not told["notifications"].get("pending")


def test_a_job_that_completes_tells_its_progress_and_its_end_in_order(here: World) -> None:
    with receiver() as taken:
        operator = here.operator("telling", NOTIFICATIONS=destinations(team=taken.url))
        uid = apply(here, "telling", to="team", everyPercent=25)
        until("all is told", lambda: settled(here, "telling"))
        operator.stop()
    assert taken.ids() == [
        f"{uid}-0-progress-25",
        f"{uid}-0-progress-50",
        f"{uid}-0-progress-75",
        f"{uid}-0-complete",
    ]
    assert taken.events() == [*["job.progress"] * 3, "job.complete"]
    last = taken.seen[-1].json["data"]
    assert (last["cluster"], last["namespace"], last["name"]) == ("test", "default", "telling")
    assert (last["state"], last["rows"]) == ("Complete", SHARDS * 640)
    assert status(here, "telling")["notifications"]["delivered"] == 4


def test_an_operator_killed_while_its_message_is_taken_sends_the_same_again(here: World) -> None:
    arrived = threading.Event()

    def reply(received: Received) -> Reply:
        if received.json["type"] == "job.complete" and not arrived.is_set():
            arrived.set()
            return Reply(after=60)  # the receiver has it, and its answer never comes
        return Reply()

    with receiver(reply) as taken:
        operator = here.operator("killed", NOTIFICATIONS=destinations(team=taken.url))
        uid = apply(here, "killed", to="team")
        assert arrived.wait(60)
        operator.kill()
        until("it is told again", lambda: settled(here, "killed"))
        operator.stop()
    first, second = taken.seen
    assert first.id == second.id == f"{uid}-0-complete"
    assert first.body == second.body


def test_a_job_that_ends_while_no_operator_is_there_is_told_later(here: World) -> None:
    with receiver() as taken:
        operator = here.operator("away", NOTIFICATIONS=destinations(team=taken.url))
        uid = apply(here, "away", to="team")
        until("it has a Job", lambda: status(here, "away").get("state") == "Running")
        operator.stop()
        until("the pods are over", lambda: _over(here, "away"))
        assert taken.seen == []
        operator = here.operator("away-again", NOTIFICATIONS=destinations(team=taken.url))
        until("it is told", lambda: settled(here, "away"))
        operator.stop()
        assert taken.ids() == [f"{uid}-0-complete"]


def test_two_operators_may_send_a_message_twice_and_never_under_two_ids(here: World) -> None:
    with receiver(Reply(after=1)) as taken:
        urls = destinations(team=taken.url)
        both = [here.operator(name, NOTIFICATIONS=urls) for name in ("one", "other")]
        uid = apply(here, "twins", to="team", everyPercent=50)
        until("all is told", lambda: settled(here, "twins"))
        for one in both:
            one.stop()
    assert set(taken.ids()) == {f"{uid}-0-progress-50", f"{uid}-0-complete"}
    bodies: dict[str, set[bytes]] = {}
    for one in taken.seen:
        bodies.setdefault(one.id, set()).add(one.body)
    assert [len(one) for one in bodies.values()] == [1, 1]


def _over(here: World, name: str) -> bool:
    selector = f"--selector=batchprocess.dev/job={name}"
    found = here.plane.kubectl("get", "jobs", selector, "--output=jsonpath={..status.succeeded}")
    return found == str(SHARDS)
