"""What a pod's status says besides our own container's end."""

import pytest

from batchprocess_operator.model.observed import Reason
from batchprocess_operator.observe.pod_states import containers_beside, pod_failure, unscheduled

RUNNING, ENDED = {"running": {}}, {"terminated": {"exitCode": 0}}


def beside(*states, **status):
    found = [{"name": f"c{number}", "state": state} for number, state in enumerate(states)]
    return containers_beside({"containerStatuses": found, **status})


def test_containers_that_have_not_ended_are_named_whatever_they_wait_for() -> None:
    assert beside(RUNNING, ENDED, {"waiting": {"reason": "ErrImagePull"}}, {}) == ("c0", "c2", "c3")


def test_ours_and_native_sidecars_keep_no_pod() -> None:
    native = [{"name": "istio-proxy", "state": RUNNING}]
    status = {"containerStatuses": [{"name": "worker", "state": RUNNING}]}
    assert containers_beside(status | {"initContainerStatuses": native}) == ()


@pytest.mark.hostile
def test_what_a_tenant_writes_there_is_bounded() -> None:
    odd = [{"name": "x\n" * 9_000, "state": RUNNING}, {"name": None}, {}]
    names = containers_beside({"containerStatuses": odd * 1_000})
    assert len(names) == 3
    assert all(len(name) <= 63 and name.isprintable() for name in names)


def failed(*states, **status):
    found = [{"name": name, "state": state} for name, state in states]
    return pod_failure({"phase": "Failed", "containerStatuses": found, **status})


def test_why_a_node_has_failed_a_pod_is_read_and_bounded() -> None:
    why = failed(reason="Evicted", message="too much\n" * 9_000)
    assert (why.reason, len(why.message)) == ("Evicted", 1_024)
    assert why.message.isprintable()


def test_a_sidecar_that_failed_after_we_had_done_well_is_why() -> None:
    broken = ("istio-proxy", {"terminated": {"exitCode": 3}})
    why = failed(("worker", ENDED), ("fine", ENDED), broken)
    assert why == Reason("SidecarFailed", "container istio-proxy: exit code 3")


def test_our_own_failure_is_none_of_the_pods() -> None:
    ours = ("worker", {"terminated": {"exitCode": 90}})
    assert failed(ours, ("istio-proxy", {"terminated": {"exitCode": 143}})) is None
    assert failed(("worker", ENDED)) is None
    assert pod_failure({"phase": "Running", "reason": "Evicted"}) is None


def gated(*gates: str, reason: str = "SchedulingGated", message: str = "blocked"):
    spec = {"schedulingGates": [{"name": gate} for gate in gates]}
    return unscheduled(spec, {"status": "False", "reason": reason, "message": message})


def test_scheduling_gates_are_named() -> None:
    why = gated("example.com/quota", "example.com/other")
    assert why == Reason(
        "SchedulingGated",
        "nobody has taken away its scheduling gates: example.com/quota, example.com/other",
    )
    assert gated() == Reason("SchedulingGated", "blocked")


def test_a_pod_that_kueue_has_not_admitted_waits_for_its_queue() -> None:
    elastic = "kueue.x-k8s.io/elastic-job"
    why = "its queue has no room for so many workers yet (spec.parallelism)"
    assert gated(elastic) == Reason("SchedulingGated", why)
    assert "elastic-job, example.com/other" in str(gated(elastic, "example.com/other"))


def test_the_schedulers_own_words_stand() -> None:
    assert gated(reason="Unschedulable", message="0/3 nodes") == Reason(
        "Unschedulable", "0/3 nodes"
    )
    assert gated(reason="Other") is None
    assert unscheduled({}, {"status": "True"}) is None
