"""Jobs that wait in a queue of real Kueue, on a real control plane whose pods kwok plays."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from benchmarks.operator_bench import objects
from benchmarks.operator_bench.audit import by_kind, writes_of
from benchmarks.operator_bench.stages import Play
from benchmarks.operator_bench.world import World, world
from support.kube.kueue import API_SERVER_FLAG, start_kueue
from support.pages import read_page, section
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
SHARDS, PARALLELISM = 4, 2
QUEUES = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000
"""


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world(Play(SHARDS, worker_seconds=8, finalizer_seconds=1), API_SERVER_FLAG) as made:
        start_kueue(made.plane)
        (shown,) = [
            block
            for block in section(read_page("kubernetes.md"), "Kueue").split("```")
            if "kind: ClusterQueue" in block
        ]
        made.plane.kubectl.apply(f"{shown.removeprefix('yaml')}\n---{QUEUES}")
        made.operator()
        yield made


def submit(here: World, name: str, **pod: Any) -> None:
    """Of its 10 processors the queue gives a job 8, and a finalizer 1."""
    body = objects.job(name, SHARDS, PARALLELISM)
    body["spec"]["queueName"] = "gpus"
    resources = {"requests": {"cpu": "4", "memory": "1Gi"}}
    containers = [{"name": "worker", "resources": resources}]
    body["spec"]["worker"] = {"template": {"spec": {"containers": containers} | pod}}
    here.plane.kubectl.apply(yaml.safe_dump(body))


def state(here: World, name: str) -> str:
    return here.plane.kubectl("get", "bpj", name, "--output=jsonpath={.status.state}")


def becomes(here: World, name: str, wanted: str) -> None:
    until(f"{name} is {wanted}", lambda: state(here, name) == wanted, seconds=120)


def workload(here: World, name: str) -> dict[str, Any]:
    """Kueue's object of the worker Job."""
    listed = json.loads(here.plane.kubectl("get", "workloads.kueue.x-k8s.io", "--output=json"))
    (found,) = [
        one
        for one in listed["items"]
        if one["metadata"]["ownerReferences"][0]["name"].startswith(f"{name}-")
        and not one["metadata"]["ownerReferences"][0]["name"].endswith("-fin")
    ]
    return dict(found)


def test_a_job_waits_until_the_one_before_is_done_and_each_finalizer_is_admitted(
    here: World,
) -> None:
    submit(here, "first")
    becomes(here, "first", "Running")
    submit(here, "second")
    becomes(here, "second", "Queued")
    becomes(here, "first", "Complete")
    becomes(here, "second", "Running")
    becomes(here, "second", "Complete")


def test_a_more_urgent_job_takes_the_place_and_the_other_goes_on_afterwards(here: World) -> None:
    submit(here, "patient")
    becomes(here, "patient", "Running")
    submit(here, "hurried", priorityClassName="urgent")
    becomes(here, "patient", "Queued")
    becomes(here, "hurried", "Running")
    becomes(here, "hurried", "Complete")
    becomes(here, "patient", "Complete")


def test_a_workload_that_is_not_active_stops_its_job_until_it_is_again(here: World) -> None:
    submit(here, "stopped")
    becomes(here, "stopped", "Running")
    name = workload(here, "stopped")["metadata"]["name"]
    switch = ("patch", "workloads.kueue.x-k8s.io", name, "--type=merge", "--patch")
    here.plane.kubectl(*switch, '{"spec":{"active":false}}')
    becomes(here, "stopped", "Queued")
    here.plane.kubectl(*switch, '{"spec":{"active":true}}')
    becomes(here, "stopped", "Complete")


def test_a_job_that_asks_for_what_the_queue_does_not_cover_waits(here: World) -> None:
    requests = {"cpu": "1", "example.com/fpga": "1"}
    resources = {"requests": requests, "limits": {"example.com/fpga": "1"}}
    submit(here, "odd", containers=[{"name": "worker", "resources": resources}])
    becomes(here, "odd", "Queued")

    def why() -> str:
        conditions = workload(here, "odd").get("status", {}).get("conditions", [])
        return str({one["type"]: one["message"] for one in conditions}.get("QuotaReserved"))

    until("Kueue says why", lambda: "example.com/fpga unavailable" in why())
    here.plane.kubectl("delete", "bpj", "odd")


def test_the_operator_starts_and_stops_none_of_these_jobs(here: World) -> None:
    done = by_kind(writes_of(here.audit_log))
    jobs = {kind.removeprefix("dry run: ") for kind in done if kind.endswith(" jobs")}
    assert jobs == {"create jobs"}
