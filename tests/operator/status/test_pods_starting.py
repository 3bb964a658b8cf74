"""Why pods do not start, in words that a person can act on."""

import pytest

from batchprocess_operator.model.observed import Reason
from support.operator.objects import WORKER, child, condition, ended, job, plan, pod

NOWHERE = [
    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
]


def starting(planned):
    return [
        (one.status, one.reason, one.message)
        for one in planned.status.conditions
        if one.type == "PodsStarting"
    ]


def waiting(index: int = 0, reason: str = "ContainerCreating", message: str = ""):
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(index, phase="Pending", state=state)


def test_pods_that_are_on_their_way_are_counted() -> None:
    assert starting(plan(job(), [child()], [waiting(0), waiting(1)])) == [
        ("True", "Starting", "2 pods")
    ]


def test_nothing_is_said_when_all_run() -> None:
    assert starting(plan(job(), [child()], [pod(0), pod(1)])) == []


def test_an_unschedulable_pod_has_the_schedulers_sentence() -> None:
    stuck = pod(0, phase="Pending", state={}, conditions=NOWHERE)
    assert starting(plan(job(), [child()], [stuck])) == [
        ("False", "Unschedulable", "1 pod: 0/3 nodes")
    ]


@pytest.mark.parametrize(
    "reason",
    ["ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"],
)
def test_a_waiting_reason_is_passed_on(reason: str) -> None:
    found = starting(plan(job(), [child()], [waiting(0, reason, "not found")]))
    assert found == [("False", reason, "1 pod: not found")]


def test_a_missing_volume_is_only_in_the_events_and_told_from_there() -> None:
    trouble = {waiting().name: Reason("FailedMount", 'configmap "code" not found')}
    found = starting(plan(job(), [child()], [waiting()], trouble=trouble))
    assert found == [("False", "FailedMount", '1 pod: configmap "code" not found')]


def test_a_job_whose_pods_are_refused_has_the_reason_of_the_jobs_events() -> None:
    trouble = {WORKER: Reason("FailedCreate", "exceeded quota: compute")}
    found = starting(plan(job(), [child()], trouble=trouble))
    assert found == [("False", "FailedCreate", "1 pod: exceeded quota: compute")]


def test_the_commonest_reason_wins() -> None:
    pods = [waiting(0, "ErrImagePull", "a"), waiting(1, "ErrImagePull", "a")]
    pods.append(waiting(2, "CreateContainerConfigError", "b"))
    assert starting(plan(job(), [child()], pods)) == [("False", "ErrImagePull", "2 pods: a")]


def test_an_image_without_batchprocess_is_told_apart() -> None:
    died = pod(0, code=1, said="/usr/bin/python: No module named batchprocess")
    (found,) = starting(plan(job(), [child()], [died]))
    assert found[:2] == ("False", "ImageWithoutBatchprocess")
    assert "spec.worker.python" in found[2]


def test_a_command_that_does_not_exist_has_the_runtimes_reason() -> None:
    state = {"terminated": {"exitCode": 128, "reason": "StartError", "message": "no such file"}}
    died = pod(0, phase="Failed", state=state)
    assert starting(plan(job(), [child()], [died])) == [
        ("False", "StartError", "1 pod: no such file")
    ]


def test_a_pod_that_ran_and_failed_is_no_trouble_with_starting() -> None:
    failed = pod(0, code=90, said=ended(code=90, message="process_batch raised"))
    assert starting(plan(job(), [child()], [failed])) == []


@pytest.mark.parametrize(
    "made",
    [child(suspend=True), child(status={"conditions": [condition("Failed", "FailedIndexes")]})],
)
def test_nothing_is_said_of_a_job_that_is_to_start_nothing(made) -> None:
    assert starting(plan(job(suspend=made.suspend), [made], [waiting()])) == []


def test_reasons_of_an_older_job_of_ours_do_not_count() -> None:
    newer = child(f"{WORKER}-r1", retry=1, shards="2", completions=1)
    old = child(status={"conditions": [condition("Failed", "FailedIndexes")]})
    assert starting(plan(job(retry=1), [old, newer], [waiting(0, "ErrImagePull")])) == []
