"""Elastic jobs in a queue of real Kueue, whose gate for them is open: its pods kwok plays."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.operator_bench.world import World
from support.kube.kueue import ELASTIC
from support.kube.queued_jobs import becomes, queue, running, scale, state, submit, workloads
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
SHARDS = 12


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with queue(SHARDS, 15, ELASTIC) as made:
        yield made


def elastic(here: World, name: str, parallelism: int, **pod: Any) -> None:
    """Of 10 processors each of its workers asks for 2."""
    spec = {"shards": SHARDS, "parallelism": parallelism, "elastic": True}
    submit(here, name, spec, cpu="2", **pod)


def run(here: World, name: str, count: int) -> set[str]:
    """Wait until so many run."""
    until(f"{count} of {name}", lambda: len(running(here, name)) == count, seconds=60)
    return running(here, name)


def count(workload: dict[str, Any]) -> int:
    """Of pods that Kueue is asked for."""
    return int(workload["spec"]["podSets"][0]["count"])


def end(here: World, *names: str) -> None:
    here.plane.kubectl("delete", "bpj", *names)
    for name in names:
        run(here, name, 0)


def condition(here: World, name: str, kind: str) -> tuple[str, str]:
    """Its reason and sentence."""
    status = here.plane.kubectl.get("batchprocessjob", name)["status"]
    found = [one for one in status.get("conditions", ()) if one["type"] == kind]
    return (found[0]["reason"], found[0]["message"]) if found else ("", "")


def test_it_grows_and_shrinks_and_those_that_run_go_on(here: World) -> None:
    elastic(here, "grown", 1)
    first = run(here, "grown", 1)
    scale(here, "grown", 4)
    assert first <= run(here, "grown", 4)
    scale(here, "grown", 2)
    run(here, "grown", 2)
    assert state(here, "grown") == "Running"
    scale(here, "grown", 5)
    becomes(here, "grown", "Complete")


def test_what_the_queue_has_no_room_for_waits_and_the_job_says_so(here: World) -> None:
    elastic(here, "greedy", 2)
    before = run(here, "greedy", 2)
    scale(here, "greedy", 7)
    until("told", lambda: condition(here, "greedy", "PodsStarting")[0] == "SchedulingGated", 60)
    assert "has no room for so many workers" in condition(here, "greedy", "PodsStarting")[1]
    assert running(here, "greedy") == before
    assert state(here, "greedy") == "Running"
    scale(here, "greedy", 5)
    run(here, "greedy", 5)
    end(here, "greedy")


def test_who_shrinks_makes_room_for_the_next(here: World) -> None:
    elastic(here, "modest", 5)
    run(here, "modest", 5)
    elastic(here, "next", 2)
    becomes(here, "next", "Queued")
    scale(here, "modest", 2)
    run(here, "next", 2)
    end(here, "modest", "next")


def test_it_can_be_scaled_to_nothing_and_back(here: World) -> None:
    elastic(here, "paused", 3)
    run(here, "paused", 3)
    scale(here, "paused", 0)
    run(here, "paused", 0)
    scale(here, "paused", 5)
    run(here, "paused", 5)
    end(here, "paused")


def test_one_that_is_preempted_goes_on_as_large_as_it_was_asked_to_be(here: World) -> None:
    elastic(here, "patient", 2)
    run(here, "patient", 2)
    scale(here, "patient", 4)
    run(here, "patient", 4)
    elastic(here, "hurried", 5, priorityClassName="urgent")
    becomes(here, "patient", "Queued")
    run(here, "hurried", 5)
    assert running(here, "patient") == set()
    becomes(here, "hurried", "Complete")
    run(here, "patient", 4)
    becomes(here, "patient", "Complete")


def test_a_change_while_it_waits_is_what_it_begins_with(here: World) -> None:
    elastic(here, "before", 5)
    run(here, "before", 5)
    elastic(here, "late", 1)
    becomes(here, "late", "Queued")
    scale(here, "late", 3)
    until("Kueue knows", lambda: [count(one) for one in workloads(here, "late")] == [3])
    end(here, "before")
    run(here, "late", 3)
    end(here, "late")


def test_one_that_grows_is_stopped_whole_when_it_is_preempted(here: World) -> None:
    elastic(here, "growing", 2)
    run(here, "growing", 2)
    scale(here, "growing", 7)
    until("asked for", lambda: sorted(map(count, workloads(here, "growing"))) == [2, 7])
    elastic(here, "sudden", 5, priorityClassName="urgent")
    run(here, "sudden", 5)
    run(here, "growing", 0)
    end(here, "sudden", "growing")
