"""Messages about jobs whose pods are played, from a real operator to a real receiver."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from batchprocess_operator.notify.lane import MAX_JOBS
from benchmarks.operator_bench import objects
from benchmarks.operator_bench.stages import Play
from benchmarks.operator_bench.world import World, world
from support.operator.receiver import Received, Receiver, Reply, receiver
from testcluster.errors import ClusterError
from testcluster.machine.ports import free_port
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SHARDS, FLOOD = 4, MAX_JOBS
MAX_MEMORY, MAX_TRIES = 300, 50
"""MiB, of the 512 that the chart gives."""
TOO_LARGE = {"hparams": {"a": "x" * 103_000}}
"""With which a job fails at once."""


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world(Play(SHARDS, worker_seconds=3)) as here:
        yield here


def destinations(**urls: str) -> str:
    """The operator's setting."""
    made = [{"name": name, "type": "webhook", "url": url} for name, url in urls.items()]
    return json.dumps({"destinations": made, "cluster": "test"})


def apply(here: World, name: str, spec: dict[str, Any] | None = None, **notify: Any) -> str:
    """The job's uid."""
    body = objects.job(name, SHARDS, 1)
    body["spec"] |= {"notify": notify} | (spec or {})
    # Not by apply, whose annotation would hold the spec once more.
    here.plane.kubectl("create", "--filename=-", stdin=json.dumps(body))
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
    told = [one.json["type"] for one in taken.seen]
    assert told == [*["job.progress"] * 3, "job.complete"]
    last = taken.seen[-1].json["data"]
    assert (last["cluster"], last["namespace"], last["name"]) == ("test", "default", "telling")
    assert (last["state"], last["rows"]) == ("Complete", SHARDS * 640)
    assert status(here, "telling")["notifications"]["delivered"] == 4


def test_an_operator_killed_while_its_message_is_taken_sends_the_same_again(here: World) -> None:
    arrived = threading.Event()

    def reply(received: Received) -> Reply:
        if received.json["data"]["name"] == "killed" and not arrived.is_set():
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
    first, second = _of(taken, uid)
    assert first.id == second.id == f"{uid}-0-complete"
    assert first.body == second.body


def test_a_job_that_ends_while_no_operator_is_there_is_told_later(here: World) -> None:
    with receiver() as taken:
        operator = here.operator("away", NOTIFICATIONS=destinations(team=taken.url))
        uid = apply(here, "away", to="team")
        until("it has a Job", lambda: status(here, "away").get("state") == "Running")
        operator.stop()
        until("the pods are over", lambda: _over(here, "away"))
        assert _of(taken, uid) == []
        operator = here.operator("away-again", NOTIFICATIONS=destinations(team=taken.url))
        until("it is told", lambda: settled(here, "away"))
        operator.stop()
        assert [one.id for one in _of(taken, uid)] == [f"{uid}-0-complete"]


def test_two_operators_may_send_a_message_twice_and_never_under_two_ids(here: World) -> None:
    with receiver(Reply(after=1)) as taken:
        urls = destinations(team=taken.url)
        both = [here.operator(name, NOTIFICATIONS=urls) for name in ("one", "other")]
        uid = apply(here, "twins", to="team", everyPercent=50)
        until("all is told", lambda: settled(here, "twins"))
        for one in both:
            one.stop()
    assert {one.id for one in _of(taken, uid)} == {f"{uid}-0-progress-50", f"{uid}-0-complete"}
    bodies: dict[str, set[bytes]] = {}
    for one in _of(taken, uid):
        bodies.setdefault(one.id, set()).add(one.body)
    assert [len(one) for one in bodies.values()] == [1, 1]


def test_a_failure_and_the_failure_of_its_retry_are_told(here: World) -> None:
    with receiver() as taken:
        operator = here.operator("failing", NOTIFICATIONS=destinations(team=taken.url))
        uid = apply(here, "failing", TOO_LARGE, to="team", events=["Failed"])
        until("it is told", lambda: len(_of(taken, uid)) == 1)
        here.plane.kubectl(
            "patch", "bpj", "failing", "--type=merge", '--patch={"spec":{"retry":1}}'
        )
        until("it is told again", lambda: len(_of(taken, uid)) == 2)
        operator.stop()
    assert [one.id for one in _of(taken, uid)] == [f"{uid}-0-failed", f"{uid}-1-failed"]
    assert _of(taken, uid)[0].json["data"]["reason"] == "InvalidSpec"


def test_a_stall_is_told_while_it_lasts(here: World) -> None:
    kubectl = here.plane.kubectl
    with receiver() as taken:
        operator = here.operator("stalling", NOTIFICATIONS=destinations(team=taken.url))
        uid = apply(here, "stalling", {"parallelism": 0}, to="team")
        selector = "--selector=batchprocess.dev/job=stalling"
        until("it has a Job", lambda: kubectl("get", "jobs", "-oname", selector) != "")
        keep = '--patch={"metadata":{"finalizers":["example.com/keep"]}}'
        name = kubectl("get", "jobs", "-oname", selector).strip()
        kubectl("patch", name, "--type=merge", keep)
        kubectl("delete", name, "--wait=false")
        until("it is told", lambda: _of(taken, uid) != [])
        kubectl("patch", name, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
        operator.stop()
    one = _of(taken, uid)[0]
    assert one.id.startswith(f"{uid}-0-stalled-")
    assert one.json["data"]["reason"] == "JobBeingDeleted"


def test_a_tenant_reaches_no_other_place_than_those_that_are_named(here: World) -> None:
    with receiver() as own, receiver() as others:
        urls = json.loads(destinations(own=own.url, others=others.url))
        urls["destinations"][1]["namespaces"] = ["finance"]
        operator = here.operator("tenants", NOTIFICATIONS=json.dumps(urls))
        for to in (others.url, "own/../others", "own\nothers", ""):
            with pytest.raises(ClusterError, match="spec.notify.to"):
                apply(here, "url", TOO_LARGE, to=to)
        with pytest.raises(ClusterError, match='unknown field "spec.notify.url"'):
            apply(here, "url", TOO_LARGE, to="own", url=others.url)
        apply(here, "of-others", TOO_LARGE, to="others")
        apply(here, "of-us", TOO_LARGE, to="own")
        until("it is told", lambda: "NotificationsFailed" in conditions(here, "of-others"))
        until("ours is told", lambda: own.seen != [])
        operator.stop()
    assert others.seen == []
    assert conditions(here, "of-others")["NotificationsFailed"].endswith(
        'spec.notify.to: "others" is no destination for namespace default; there are: own'
    )


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_thousand_ends_and_a_destination_that_hangs_are_in_nobodys_way(here: World) -> None:
    with receiver(Reply(after=600)) as taken:
        port = str(free_port())
        variables = {"NOTIFICATIONS": destinations(team=taken.url), "METRICS_PORT": port}
        operator = here.operator("flooded", **variables)
        jobs = "\n---\n".join(json.dumps(_failing(f"flood-{n}")) for n in range(FLOOD))
        here.plane.kubectl("create", "--filename=-", stdin=jobs, seconds=500)
        waiting = 'batchprocess_notifications_waiting{destination="team"}'
        until("all wait to tell it", lambda: _metric(port, waiting) >= FLOOD, 200, 1)
        apply(here, "late", to="team")
        until("it is complete", lambda: status(here, "late").get("state") == "Complete")
        print(f"{operator.memory():.0f} MiB, {len(taken.seen)} tries")
        assert len(taken.seen) < MAX_TRIES
        assert operator.memory() < MAX_MEMORY
        operator.stop()


def _metric(port: str, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    (line,) = [one for one in lines if one.startswith(name)]
    return float(line.rpartition(" ")[2])


def _failing(name: str) -> dict[str, Any]:
    body = objects.job(name, SHARDS, 1)
    body["spec"] |= TOO_LARGE | {"notify": {"to": "team"}}
    return body


def conditions(here: World, name: str) -> dict[str, str]:
    told = status(here, name).get("conditions", ())
    return {one["type"]: f"{one['reason']}: {one['message']}" for one in told}


def _of(taken: Receiver, uid: str) -> list[Received]:
    """What was told of one job: an operator that is stopped may have left others to the next."""
    return [one for one in taken.seen if one.id.startswith(uid)]


def _over(here: World, name: str) -> bool:
    selector = f"--selector=batchprocess.dev/job={name}"
    found = here.plane.kubectl("get", "jobs", selector, "--output=jsonpath={..status.succeeded}")
    return found == str(SHARDS)
