"""Why a job fails by its workers, and when it does not. Pure: no clock, no API server."""

from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.reported import Reported
from support.operator.manifests import env_of
from support.operator.objects import (
    FINALIZER,
    WORKER,
    after,
    child,
    condition,
    ended,
    job,
    plan,
    pod,
)
from support.operator.planned import FAILED_INDEX, conditions, created, patches
from support.operator.shard_reports import report


def test_a_failed_shard_fails_the_job_when_none_is_tolerated_and_all_others_have_ended():
    said = ended(ShardEnd(shard=2, cursor=3, seq=4), code=90, message="process_batch raised")
    planned = plan(job(), [child(status=FAILED_INDEX)], [pod(2, code=90, said=said)])
    assert planned.status.state == "Failed"
    assert "process_batch raised; failed: shards 2" in [
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


def test_too_many_bad_rows_fail_the_job_with_a_reason_of_their_own():
    status = {"conditions": [condition("FailureTarget", "PodFailurePolicy", "exit code 95")]}
    said = ended(code=95, message="shard 0 alone has 12 bad rows")
    planned = plan(job(), [child(status=status)], [pod(0, code=95, said=said)])
    assert conditions(planned)["Failed"] == ("True", "TooManyBadRows")
    assert planned.events[0].message == "shard 0 alone has 12 bad rows"


def test_a_job_whose_deadline_has_passed_has_failed():
    status = {"conditions": [condition("Failed", "DeadlineExceeded", "too long")]}
    planned = plan(job(), [child(status=status)])
    assert conditions(planned)["Failed"] == ("True", "DeadlineExceeded")


def test_a_job_whose_deadline_has_passed_says_what_stood_in_its_way():
    said = ended(code=90, message="KeyError: 'a'")
    failing = plan(job(), [child()], [pod(0, code=90, said=said)])
    status = {"conditions": [condition("Failed", "DeadlineExceeded", "too long")]}
    late = plan(after(job(), failing), [child(status=status)])
    (told,) = [one.message for one in late.status.conditions if one.type == "Failed"]
    assert told.startswith("too long: UserCodeRaised: KeyError: 'a'")


def test_causes_come_first_and_none_is_lost_to_the_limit():
    said = ended(code=90, message="ValueError: " + "x" * 4_000)
    other = ended(code=90, message="KeyError: " + "y" * 4_000)
    pods = [pod(0, code=90, said=said), pod(2, code=90, said=other), pod(4, code=137)]
    failed = "0,2," + ",".join(map(str, range(4, 9_000, 2)))
    status = {"failedIndexes": failed, "conditions": [condition("Failed", "FailedIndexes")]}
    planned = plan(job(shards=9_000), [child(completions=9_000, status=status)], pods)
    (told,) = [one.message for one in planned.status.conditions if one.type == "Failed"]
    assert len(told) <= 1_000
    assert [told.index(one) for one in ("ValueError", "KeyError", "SIGKILL")]
    assert told.endswith("; failed: 4500 shards")


class TestAPodThatWasKilledAfterItsSeal:
    """Its index has failed, and its shard has not."""

    SEALED = ended(ShardEnd(shard=2, cursor=2, seq=4, sealed=True), code=1)

    def test_is_no_failure_and_the_finalizer_looks_whether_it_is_true(self):
        planned = plan(job(), [child(status=FAILED_INDEX)], [pod(2, code=137, said=self.SEALED)])
        assert (created(planned), planned.status.failed_shards) == ([FINALIZER], "")
        assert env_of(planned.actions[0].manifest)["BATCHPROCESS_FAILED_SHARDS"] == "[]"

    def test_is_not_closed_where_failures_are_tolerated(self):
        tolerant = job(failurePolicy={"maxFailedShards": 1})
        planned = plan(tolerant, [child(status=FAILED_INDEX)], [pod(2, code=1, said=self.SEALED)])
        assert env_of(planned.actions[0].manifest)["BATCHPROCESS_FAILED_SHARDS"] == "[]"
        planned = plan(tolerant, [child(status=FAILED_INDEX)])
        assert env_of(planned.actions[0].manifest)["BATCHPROCESS_FAILED_SHARDS"] == "[2]"

    def test_one_that_only_said_so_is_worked_on_again_by_a_retry(self):
        one = job()
        lied = [pod(2, code=1, said=self.SEALED)]
        planned = plan(one, [child(status=FAILED_INDEX)], lied)
        found = child(FINALIZER, status={"conditions": [condition("Failed", "PodFailurePolicy")]})
        failed = plan(after(one, planned), [child(status=FAILED_INDEX), found], lied)
        assert (failed.status.state, failed.status.sealed_shards) == ("Failed", "0,1,3")
        (action,) = plan(after(one, failed, retry=1), [child(status=FAILED_INDEX), found]).actions
        notes = action.manifest["metadata"]["annotations"]
        assert (action.name, notes["batchprocess.dev/shards"]) == (f"{WORKER}-r1", "2")

    def test_a_report_alone_leaves_no_shard_out_of_a_retry(self):
        told = Reported({1: report(1, claim=5, cursor=3, sealed=True)})
        status = FAILED_INDEX | {"completedIndexes": "0,3", "failedIndexes": "1-2"}
        one = job(failurePolicy={"maxFailedShards": 0})
        failed = plan(one, [child(status=status)], reported=told)
        assert failed.status.state == "Failed"
        (action,) = plan(after(one, failed, retry=1), [child(status=status)]).actions
        assert action.manifest["metadata"]["annotations"]["batchprocess.dev/shards"] == "1,2"
