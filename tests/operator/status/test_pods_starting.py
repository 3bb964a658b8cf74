"""Why pods do not start, in words that a person can act on."""

import pytest

from batchprocess_operator.model.observed import Reason
from support.operator.objects import WORKER, after, child, condition, ended, job, plan, pod

NOWHERE = [
    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
]


def starting(planned):
    return [
        (one.status, one.reason, one.message)
        for one in planned.status.conditions
        if one.type == "PodsStarting"
    ]


def waiting(index: int = 0, reason: str = "ContainerCreating", message: str = "", **more):
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(index, phase="Pending", state=state, **more)


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


def test_pods_that_wait_for_the_same_are_counted_together_whatever_numbers_they_name() -> None:
    pods = [waiting(k, "ErrImagePull", f"dial tcp 10.0.0.5:{k}: refused") for k in range(3)]
    pods += [waiting(3, "InvalidImageName", "b"), waiting(4, "InvalidImageName", "b")]
    assert starting(plan(job(), [child()], pods)) == [
        ("False", "ErrImagePull", "3 pods: dial tcp 10.0.0.5:0: refused")
    ]


class TestAPodThatIsReplaced:
    """It could not start, and says nothing at first: what was said of the last one holds."""

    STUCK = plan(job(), [child()], [waiting(0, "ErrImagePull", "no such image")])
    SAID = (("False", "ErrImagePull", "1 pod: no such image"),)

    def then(self, *pods, later=60, **spec):
        return tuple(starting(plan(after(job(), self.STUCK, **spec), [child()], pods, later=later)))

    def test_has_the_reason_of_the_one_before(self) -> None:
        assert self.then() == self.SAID
        assert self.then(waiting(0, created=50)) == self.SAID

    def test_is_believed_to_start_once_it_has_waited_long_enough_to_say_why_not(self) -> None:
        assert self.then(waiting(0, created=20)) == (("True", "Starting", "1 pod"),)

    def test_has_no_such_reason_once_one_has_run(self) -> None:
        assert self.then(pod(0, created=50)) == ()
        assert self.then(pod(0, created=50, code=0, over=55)) == ()

    def test_has_no_reason_of_a_time_when_its_job_could_not_be_made(self) -> None:
        refused = plan(job(), refused={WORKER: Reason("NotAllowed", "exceeded quota")})
        assert starting(refused)[0][1] == "NotAllowed"
        assert starting(plan(after(job(), refused), [child(created=5)], later=9)) == []

    def test_is_no_matter_where_none_is_wanted(self) -> None:
        none = plan(after(job(), self.STUCK, parallelism=0), [child(parallelism=0)], later=60)
        assert starting(none) == []


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
