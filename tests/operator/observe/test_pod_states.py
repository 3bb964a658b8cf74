"""What a pod's status says besides our own container's end."""

import pytest

from batchprocess_operator.observe.pod_states import containers_beside

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
