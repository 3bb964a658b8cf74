"""Jobs that wait in a queue of real Kueue, on a real control plane whose pods kwok plays."""

from collections.abc import Iterator

import pytest

from benchmarks.operator_bench.audit import by_kind, writes_of
from benchmarks.operator_bench.world import World
from support.kube.queued_jobs import WORKLOADS, becomes, queue, running, scale, submit, workloads
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
SPEC = {"shards": 4, "parallelism": 2}


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with queue(SPEC["shards"], 8) as made:
        yield made


def test_a_job_waits_until_the_one_before_is_done_and_each_finalizer_is_admitted(
    here: World,
) -> None:
    submit(here, "first", SPEC)
    becomes(here, "first", "Running")
    submit(here, "second", SPEC)
    becomes(here, "second", "Queued")
    becomes(here, "first", "Complete")
    becomes(here, "second", "Running")
    becomes(here, "second", "Complete")


def test_a_more_urgent_job_takes_the_place_and_the_other_goes_on_afterwards(here: World) -> None:
    submit(here, "patient", SPEC)
    becomes(here, "patient", "Running")
    submit(here, "hurried", SPEC, priorityClassName="urgent")
    becomes(here, "patient", "Queued")
    becomes(here, "hurried", "Running")
    becomes(here, "hurried", "Complete")
    becomes(here, "patient", "Complete")


def test_a_workload_that_is_not_active_stops_its_job_until_it_is_again(here: World) -> None:
    submit(here, "stopped", SPEC)
    becomes(here, "stopped", "Running")
    (workload,) = workloads(here, "stopped")
    name = workload["metadata"]["name"]
    switch = ("patch", WORKLOADS, name, "--type=merge", "--patch")
    here.plane.kubectl(*switch, '{"spec":{"active":false}}')
    becomes(here, "stopped", "Queued")
    here.plane.kubectl(*switch, '{"spec":{"active":true}}')
    becomes(here, "stopped", "Complete")


def test_a_job_that_asks_for_what_the_queue_does_not_cover_waits(here: World) -> None:
    requests = {"cpu": "1", "example.com/fpga": "1"}
    resources = {"requests": requests, "limits": {"example.com/fpga": "1"}}
    submit(here, "odd", SPEC, containers=[{"name": "worker", "resources": resources}])
    becomes(here, "odd", "Queued")

    def why() -> str:
        (workload,) = workloads(here, "odd")
        conditions = workload.get("status", {}).get("conditions", [])
        return str({one["type"]: one["message"] for one in conditions}.get("QuotaReserved"))

    until("Kueue says why", lambda: "example.com/fpga unavailable" in why())
    here.plane.kubectl("delete", "bpj", "odd")


def test_the_operator_starts_and_stops_none_of_these_jobs(here: World) -> None:
    done = by_kind(writes_of(here.audit_log))
    jobs = {kind.removeprefix("dry run: ") for kind in done if kind.endswith(" jobs")}
    assert jobs == {"create jobs"}


# Behind the one about the operator's writes: this one has it write.
def test_an_elastic_job_begins_again_where_kueue_has_its_gate_shut(here: World) -> None:
    submit(here, "stiff", {"shards": 4, "parallelism": 1, "elastic": True}, cpu="2")
    becomes(here, "stiff", "Running")
    until("one runs", lambda: len(running(here, "stiff")) == 1)
    first = running(here, "stiff")
    scale(here, "stiff", 3)
    until("three others run", lambda: len(running(here, "stiff") - first) == 3)
    assert not first & running(here, "stiff")
    becomes(here, "stiff", "Complete")
