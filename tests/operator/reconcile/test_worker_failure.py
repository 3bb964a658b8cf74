"""Why a job fails by its workers, and when it does not. Pure: no clock, no API server."""

from batchprocess.protocol.termination import ShardEnd
from support.operator.objects import (
    FINALIZER,
    after,
    child,
    condition,
    ended,
    job,
    plan,
    pod,
)
from support.operator.planned import FAILED_INDEX, conditions, created, patches


def test_a_failed_shard_fails_the_job_when_none_is_tolerated_and_all_others_have_ended():
    said = ended(ShardEnd(shard=2, cursor=3, seq=4), code=90, message="process_batch raised")
    planned = plan(job(), [child(status=FAILED_INDEX)], [pod(2, code=90, said=said)])
    assert planned.status.state == "Failed"
    assert "failed shards: 2; process_batch raised" in [
        one.message for one in planned.status.conditions if one.type == "Failed"
    ]
    assert created(planned) == []


def test_tolerated_failures_go_on_to_the_finalizer():
    planned = plan(job(failurePolicy={"maxFailedShards": 1}), [child(status=FAILED_INDEX)])
    assert created(planned) == [FINALIZER]


def test_more_failures_than_are_tolerated_fail_the_job_and_stop_its_pods():
    two = {"succeeded": 1, "completedIndexes": "0", "failedIndexes": "1"}
    tolerant = job(failurePolicy={"maxFailedShards": 1}, worker={"processesPerWorker": 2}, shards=8)
    planned = plan(tolerant, [child(status=two)])
    assert planned.status.state == "Failed"
    assert planned.requeue_after == 0
    then = plan(after(tolerant, planned), [child(status=two)])
    assert patches(then) == [{"suspend": True}]
    assert then.status == planned.status


def test_a_configuration_error_fails_the_job_with_the_users_message():
    status = {"conditions": [condition("FailureTarget", "PodFailurePolicy", "exit code 91")]}
    said = ended(code=91, message="the dataset has no length")
    planned = plan(job(), [child(status=status)], [pod(0, code=91, said=said)])
    assert conditions(planned)["Failed"] == ("True", "CannotWork")
    assert planned.events[0].message == "the dataset has no length"


def test_a_job_whose_deadline_has_passed_has_failed():
    status = {"conditions": [condition("Failed", "DeadlineExceeded", "too long")]}
    planned = plan(job(), [child(status=status)])
    assert conditions(planned)["Failed"] == ("True", "DeadlineExceeded")
