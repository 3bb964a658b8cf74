"""A pod that another container keeps from ending is told, with that container and what to do."""

import pytest

from batchprocess_operator.model.observed import Observed
from batchprocess_operator.status.pods_kept import pods_kept
from support.operator.objects import FINALIZER, NOW, WORKER, after, child, ended, job, plan, pod
from support.operator.objects import result as finalized

SIDECAR = ("istio-proxy",)
DONE = {"succeeded": 4, "completedIndexes": "0-3"}


def kept(index: int = 0, code: int = 0, over: float = -30, **more):
    """Our container has ended `over` seconds before now, and a sidecar runs on."""
    return pod(index, code=code, over=over, **{"phase": "Running", "beside": SIDECAR} | more)


def told(*pods):
    fact = pods_kept(Observed((child(),), pods), child(), NOW)
    return None if fact is None else (fact.true, fact.reason, fact.message)


def progressing(planned):
    found = {one.type: one for one in planned.status.conditions}.get("Progressing")
    return None if found is None else (found.status, found.reason)


def test_it_is_told_with_pod_container_and_remedy() -> None:
    one = kept()
    true, reason, message = told(one)
    assert (true, reason) == (False, "PodKeptBySidecar")
    assert message == (
        f"pod {one.name} does not end: its container worker has ended with exit code 0, and "
        "istio-proxy has not. If that is a sidecar, make it a native sidecar (an init container "
        "with restartPolicy: Always), or have what adds it leave out pods with the label "
        "batchprocess.dev/job"
    )


def test_the_job_does_not_progress_and_one_event_says_so() -> None:
    first = plan(job(), [child()], [kept(), pod(1)])
    assert progressing(first) == ("False", "PodKeptBySidecar")
    assert first.urgent
    warned = [one.reason for one in first.events if one.type == "Warning"]
    assert warned == ["PodKeptBySidecar"]
    more = plan(after(job(), first), [child()], [kept(), kept(1)])
    assert more.events == ()
    assert "does not end (1 more pod like it)" in str(more.status.conditions)


def test_its_shard_is_shown_as_done_and_a_retry_works_on_it_again() -> None:
    planned = plan(job(), [child()], [kept(2)])
    assert (planned.status.shards.succeeded, planned.status.sealed_shards) == (1, "")
    assert planned.status.display.shards == "1/4"


def test_a_container_that_failed_beside_a_sidecar_is_told_alike() -> None:
    said = ended(code=90, message="shard 0, batch 3: KeyError: 'a'")
    planned = plan(job(), [child()], [kept(code=90, said=said)])
    assert progressing(planned) == ("False", "PodKeptBySidecar")
    assert "ended with exit code 90" in str(planned.status.conditions)


def test_a_finalizer_that_is_kept_is_told_too() -> None:
    made = [child(status=DONE), child(FINALIZER)]
    one = kept(of=FINALIZER, said=finalized())
    planned = plan(job(), made, [one])
    assert (planned.status.state, progressing(planned)[1]) == ("Finalizing", "PodKeptBySidecar")
    assert f"pod {one.name} does not end" in planned.events[-1].message


def test_a_sidecar_that_is_ended_by_hand_lets_the_job_go_on() -> None:
    first = plan(job(), [child()], [kept(), pod(1)])
    then = plan(after(job(), first), [child()], [pod(0, code=0), pod(1)])
    assert progressing(then) == ("True", "BatchesFinish")


@pytest.mark.parametrize(
    "one",
    [
        kept(over=-5),
        kept(over=30),
        kept(beside=()),
        kept(deleted=20),
        kept(phase="Succeeded"),
        kept(phase="Failed"),
        pod(0, beside=SIDECAR),
        kept(of=f"{WORKER}-r1"),
    ],
    ids=["just-now", "clock-ahead", "alone", "deleted", "done", "failed", "at-work", "other-job"],
)
def test_nothing_is_told_of_a_pod_that_ends_by_itself(one) -> None:
    assert told(one) is None


@pytest.mark.parametrize("over", [90, 86_400])
def test_a_node_whose_clock_is_far_ahead_keeps_nothing_secret(over: float) -> None:
    assert told(kept(over=over)) is not None
