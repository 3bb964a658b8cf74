"""Why a job has failed by its finalizer: in words that hold though its pods are gone."""

from batchprocess_operator.model.observed import ChildJob, Observed
from batchprocess_operator.reconcile.finalizer_failure import finalizer_failure
from support.operator.objects import FINALIZER, after, child, condition, ended, job, plan, pod
from support.operator.planned import DONE, conditions

UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
NOWHERE = {"state": {}, "phase": "Pending"} | {
    "conditions": [UNSCHEDULABLE | {"message": "0/3 nodes: 3 Insufficient memory."}]
}


def finalizer_child(reason: str = "") -> ChildJob:
    """At work, or failed for `reason`."""
    status = {"conditions": [condition("Failed", reason, "it took too long")]} if reason else {}
    return child(FINALIZER, status=status, activeDeadlineSeconds=90)


LATE = finalizer_child("DeadlineExceeded")
WORDS = (
    "the finalizer had not ended 90 s after it began (spec.finalizer.activeDeadlineSeconds): "
    "spec.finalizer may be changed, and spec.retry begins another"
)


def test_one_that_did_not_end_in_time_has_a_reason_of_its_own() -> None:
    planned = plan(job(), [child(status=DONE), LATE])
    assert planned.status.state == "Failed"
    assert conditions(planned)["Failed"] == ("True", "FinalizerDeadlineExceeded")
    assert finalizer_failure(job(), Observed((LATE,)), LATE).message == WORDS


def test_it_says_what_the_store_said_to_one_that_only_ended_with_88() -> None:
    said = ended(code=88, message="s3://bucket: no answer in 600 s")
    pods = [pod(of=FINALIZER, code=88, said=said, created=-40)]
    pods.append(pod(of=FINALIZER, created=-20))
    told = finalizer_failure(job(), Observed((LATE,), tuple(pods)), LATE)
    assert told.message == f"s3://bucket: no answer in 600 s; {WORDS}"


def test_it_says_why_its_pod_did_not_start_though_that_is_deleted() -> None:
    waiting = plan(job(), [child(status=DONE), finalizer_child()], [pod(of=FINALIZER, **NOWHERE)])
    late = plan(after(job(), waiting), [child(status=DONE), LATE])
    (failed,) = [one for one in late.status.conditions if one.type == "Failed"]
    cause = "Unschedulable: 1 pod: 0/3 nodes: 3 Insufficient memory."
    assert failed.message == f"{cause}; {WORDS}"


def test_what_was_told_of_workers_is_not_taken_for_its_cause() -> None:
    workers = plan(job(), [child()], [pod(**NOWHERE)])
    late = plan(after(job(), workers), [child(status=DONE), LATE])
    (failed,) = [one for one in late.status.conditions if one.type == "Failed"]
    assert failed.message == WORDS


def test_a_contradiction_in_storage_is_told_before_all_else() -> None:
    failed = finalizer_child("PodFailurePolicy")
    said = ended(code=93, message="record 7 of shard 2 is missing")
    pods = (pod(of=FINALIZER, code=93, said=said),)
    told = finalizer_failure(job(), Observed((failed,), pods), failed)
    assert (told.reason, told.message) == ("VerificationFailed", "record 7 of shard 2 is missing")


def test_another_failure_is_told_with_its_pods_words_and_those_of_the_job() -> None:
    failed = finalizer_child("BackoffLimitExceeded")
    pods = (pod(of=FINALIZER, code=1, said=ended(code=1, message="no such file")),)
    told = finalizer_failure(job(), Observed((failed,), pods), failed)
    assert (told.reason, told.message) == ("FinalizerFailed", "no such file; it took too long")
    assert finalizer_failure(job(), Observed(), failed).message == "it took too long"


def test_too_many_bad_rows_are_told_as_such_before_any_other_cause() -> None:
    failed = finalizer_child("PodFailurePolicy")
    said = ended(code=95, message="the run has 12 bad rows")
    pods = (pod(of=FINALIZER, code=95, said=said),)
    told = finalizer_failure(job(), Observed((failed,), pods), failed)
    assert (told.reason, told.message) == ("TooManyBadRows", "the run has 12 bad rows")
