"""Short back-offs for what was nobody's fault, and an end for pods on lost nodes."""

import pytest

from batchprocess_operator.model.plan import GiveUpPod, ResetBackoff
from support.operator.objects import FINALIZER, WORKER, child, condition, job, plan, pod

DISRUPTED = [{"type": "DisruptionTarget", "status": "True"}]


def resets(planned):
    return [action.name for action in planned.actions if isinstance(action, ResetBackoff)]


def given_up(planned):
    return [action.name for action in planned.actions if isinstance(action, GiveUpPod)]


def waiting_for(planned):
    return [one.message for one in planned.status.conditions if one.type == "WaitingForNode"]


@pytest.mark.parametrize("code", [85, 87, 88])
def test_a_second_ignored_failure_has_its_back_off_reset(code: int) -> None:
    assert len(resets(plan(job(), [child()], [pod(0, code=code, ignored=1)]))) == 1


@pytest.mark.parametrize("code", [1, 86, 90, 137])
def test_a_counted_failure_keeps_its_back_off(code: int) -> None:
    assert resets(plan(job(), [child()], [pod(0, code=code, ignored=3)])) == []


def test_a_disrupted_pod_has_its_back_off_reset_whatever_its_code() -> None:
    ended = pod(0, code=137, ignored=2, conditions=DISRUPTED)
    assert len(resets(plan(job(), [child()], [ended]))) == 1


def test_the_first_ignored_failure_needs_no_reset() -> None:
    assert resets(plan(job(), [child()], [pod(0, code=85)])) == []


def test_a_live_pod_is_left_alone_for_its_count_would_be_wrong_by_its_end() -> None:
    assert resets(plan(job(), [child()], [pod(0, ignored=2)])) == []


def test_pods_of_a_job_that_has_ended_or_of_another_are_left_alone() -> None:
    over = child(status={"conditions": [condition("Failed", "FailedIndexes")]})
    assert resets(plan(job(), [over], [pod(0, code=85, ignored=1)])) == []
    assert resets(plan(job(), [child()], [pod(0, of="another", code=85, ignored=1)])) == []


def test_the_finalizers_back_off_is_reset_too() -> None:
    done = child(status={"succeeded": 4})
    ended = pod(0, of=FINALIZER, code=85, ignored=1)
    assert len(resets(plan(job(), [done, child(FINALIZER)], [ended]))) == 1


class TestLostNode:
    """`deleted` is the end of the grace period."""

    LOST = {"lost_nodes": frozenset({"node-1"})}  # noqa: RUF012  never changed

    def test_is_waited_for_and_named(self) -> None:
        planned = plan(job(), [child()], [pod(0, name="a", deleted=-100)], **self.LOST)
        assert given_up(planned) == []
        assert "a on node-1" in waiting_for(planned)[0]

    def test_is_looked_at_again_when_the_time_is_over(self) -> None:
        planned = plan(job(), [child()], [pod(0, deleted=-290)], **self.LOST)
        assert planned.requeue_after == 10

    def test_is_given_up_after_the_time_the_job_says(self) -> None:
        stuck = [pod(0, name="a", deleted=-300)]
        assert given_up(plan(job(), [child()], stuck, **self.LOST)) == ["a"]
        hasty = job(failurePolicy={"lostNodeSeconds": 0})
        just = [pod(0, name="a", deleted=0)]
        assert given_up(plan(hasty, [child()], just, **self.LOST)) == ["a"]

    def test_is_never_given_up_if_the_job_says_so(self) -> None:
        patient = job(failurePolicy={"lostNodeSeconds": None})
        planned = plan(patient, [child()], [pod(0, deleted=-(10**6))], **self.LOST)
        assert given_up(planned) == []
        assert waiting_for(planned)

    def test_is_not_given_up_within_its_grace_or_when_its_node_answers(self) -> None:
        assert waiting_for(plan(job(), [child()], [pod(0, deleted=10)], **self.LOST)) == []
        assert waiting_for(plan(job(), [child()], [pod(0, deleted=-900)])) == []

    def test_is_not_given_up_twice(self) -> None:
        failed = pod(0, phase="Failed", deleted=-900)
        assert plan(job(), [child()], [failed], **self.LOST).actions == ()

    def test_is_given_up_for_a_suspended_job_too_or_it_would_never_be_clean(self) -> None:
        planned = plan(
            job(suspend=True), [child(suspend=True)], [pod(0, name="a", deleted=-400)], **self.LOST
        )
        assert given_up(planned) == ["a"]

    def test_many_are_counted_and_three_named(self) -> None:
        stuck = [pod(k, name=f"{WORKER}-{k}", deleted=-9) for k in range(7)]
        (text,) = waiting_for(plan(job(), [child()], stuck, **self.LOST))
        assert text.startswith("7 pods")
        assert text.count("node-1") == 3
