"""The state machine, one fact a test. Pure: no clock, no API server."""

import pytest

from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.observed import Reason
from batchprocess_operator.model.plan import CreateJob, DeleteJob, PatchJob
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
    result,
)


def created(planned):
    return [action.name for action in planned.actions if isinstance(action, CreateJob)]


def patches(planned):
    return [dict(action.spec) for action in planned.actions if isinstance(action, PatchJob)]


def conditions(planned):
    return {one.type: (one.status, one.reason) for one in planned.status.conditions}


DONE = {"succeeded": 4, "completedIndexes": "0-3"}
FAILED_INDEX = {
    "succeeded": 3,
    "completedIndexes": "0-1,3",
    "failedIndexes": "2",
    "conditions": [condition("Failed", "FailedIndexes")],
}


def test_a_new_job_gets_one_worker_job_and_is_pending():
    planned = plan(job())
    assert created(planned) == [WORKER]
    assert planned.status.state == "Pending"
    assert conditions(planned)["Reconciling"] == ("True", "CreatingJob")


def test_a_job_whose_child_exists_creates_nothing():
    planned = plan(job(), [child()])
    assert planned.actions == ()
    assert "Reconciling" not in conditions(planned)


def test_a_job_is_running_once_a_container_runs():
    planned = plan(job(), [child()], [pod(0)])
    assert planned.status.state == "Running"
    assert planned.status.shards.running == 1


def test_all_indexes_succeeded_makes_the_finalizer_though_the_job_is_not_complete_yet():
    planned = plan(job(), [child(status=DONE)])
    assert created(planned) == [FINALIZER]
    assert planned.status.state == "Finalizing"


def test_a_finalizer_that_says_so_makes_the_job_complete():
    done = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
    said = result(metrics={"accuracy": 0.5}, attempts=6)
    planned = plan(job(), [child(status=DONE), done], [pod(of=FINALIZER, code=0, said=said)])
    status = planned.status
    assert (status.state, status.rows, status.batches.done) == ("Complete", 100, 10)
    assert (status.metrics, status.attempts) == ({"accuracy": 0.5}, 6)
    assert conditions(planned)["MetricsReduced"] == ("True", "Reduced")
    assert conditions(planned)["Complete"][0] == "True"
    assert conditions(planned)["Failed"][0] == "False"


def test_a_finalizer_whose_pod_is_gone_is_asked_again_by_another_run_of_it():
    done = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
    planned = plan(job(), [child(status=DONE), done])
    assert planned.actions == (DeleteJob(FINALIZER, f"uid-{FINALIZER}"),)
    assert planned.status.state == "Finalizing"


def test_abandoned_seals_decide_that_a_job_is_complete_with_failures():
    done = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
    said = result(failed_shards=1)
    workers = child(status=FAILED_INDEX)
    tolerant = job(failurePolicy={"maxFailedShards": 1})
    planned = plan(tolerant, [workers, done], [pod(of=FINALIZER, code=0, said=said)])
    assert planned.status.state == "CompleteWithFailures"
    assert conditions(planned)["Complete"][0] == "True"


def test_metrics_that_the_api_server_takes_for_no_number_are_null_and_the_job_ends():
    said = result(metrics={"a": [10**400, -(10**400)], "b": {"c": 10**300, "d": True}})
    done = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
    planned = plan(job(), [child(status=DONE), done], [pod(of=FINALIZER, code=0, said=said)])
    assert planned.status.metrics == {"a": [None, None], "b": {"c": 10**300, "d": True}}


def test_metrics_that_could_not_be_reduced_do_not_make_a_job_fail():
    done = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
    said = result(metrics_error="cross_slot_reduce raised ZeroDivisionError")
    planned = plan(job(), [child(status=DONE), done], [pod(of=FINALIZER, code=0, said=said)])
    assert planned.status.state == "Complete"
    assert conditions(planned)["MetricsReduced"] == ("False", "ReducerFailed")
    assert planned.status.metrics_error == "cross_slot_reduce raised ZeroDivisionError"


def test_a_verification_error_fails_the_job_with_the_finalizers_sentence():
    failed = child(FINALIZER, status={"conditions": [condition("Failed", "PodFailurePolicy")]})
    said = ended(code=93, message="record 7 of shard 2 is missing")
    planned = plan(job(), [child(status=DONE), failed], [pod(of=FINALIZER, code=93, said=said)])
    assert planned.status.state == "Failed"
    assert conditions(planned)["Failed"] == ("True", "VerificationFailed")
    assert conditions(planned)["Stalled"] == ("True", "VerificationFailed")


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


@pytest.mark.parametrize("state", ["Complete", "CompleteWithFailures", "Failed"])
def test_a_final_state_creates_nothing_though_all_children_are_gone(state):
    planned = plan(job({"state": state}))
    assert planned.actions == ()
    assert planned.status.state == state


def test_changed_parallelism_and_deadline_are_patched_and_nothing_else_is():
    changed = job(parallelism=3, timeouts={"activeDeadlineSeconds": 900})
    planned = plan(changed, [child()])
    assert patches(planned) == [{"parallelism": 3, "activeDeadlineSeconds": 900}]
    assert patches(plan(changed, [child(parallelism=3, activeDeadlineSeconds=900)])) == []


def test_suspend_and_resume_are_patched():
    assert patches(plan(job(suspend=True), [child()])) == [{"suspend": True}]
    assert plan(job(suspend=True), [child(suspend=True)]).status.state == "Suspended"
    assert patches(plan(job(), [child(suspend=True)])) == [{"suspend": False}]


def test_a_queued_child_is_created_suspended_and_then_left_to_kueue():
    queued = job(queueName="gpus")
    (action,) = plan(queued).actions
    assert action.manifest["spec"]["suspend"] is True
    assert action.manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
    assert plan(queued, [child(suspend=True)]).status.state == "Queued"
    admitted = plan(job(queueName="gpus", parallelism=9), [child()])
    assert patches(admitted) == []


def test_no_running_pod_by_the_start_deadline_fails_the_job_and_stops_trying():
    strict = job(timeouts={"startSeconds": 90})
    early = plan(strict, [child(created=-60)])
    assert early.requeue_after is not None
    assert early.requeue_after <= 30
    late = plan(strict, [child(created=-91)])
    assert conditions(late)["Failed"] == ("True", "StartDeadlineExceeded")
    assert patches(plan(after(strict, late), [child(created=-91)])) == [{"suspend": True}]


def test_the_start_deadline_stands_while_suspended_or_scaled_to_nothing():
    strict = {"timeouts": {"startSeconds": 30}}
    assert plan(job(suspend=True, **strict), [child(suspend=True)]).status.state == "Suspended"
    assert plan(job(parallelism=0, **strict), [child(parallelism=0)]).status.state == "Pending"


def test_the_start_deadline_counts_anew_after_a_resume():
    strict = job(timeouts={"startSeconds": 30})
    resumed = child(created=-600, status={"startTime": "2030-01-01T11:59:50Z"})
    assert plan(strict, [resumed]).status.state == "Pending"


def test_the_start_deadline_counts_from_when_a_job_without_workers_was_given_some():
    strict = {"timeouts": {"startSeconds": 30}}
    none, late = child(parallelism=0, created=-3600), child(created=-3600)
    waits = plan(job(parallelism=0, **strict), [none])
    assert conditions(waits)["Suspended"] == ("True", "ScaledToZero")
    scaled = after(job(parallelism=0, **strict), waits, parallelism=1)
    asked = plan(scaled, [none])
    assert asked.status.state == "Pending"
    assert conditions(asked)["Suspended"] == ("False", "Pending")
    scaled = after(scaled, asked)
    assert plan(scaled, [late], later=29).status.state == "Pending"
    assert plan(scaled, [late], later=31).status.state == "Failed"


def test_another_reason_why_pods_do_not_start_can_wait_for_the_next_status():
    def waits(reason):
        why = {"waiting": {"reason": reason, "message": "no such image"}}
        return [pod(0, phase="Pending", state=why)]

    first = plan(job(), [child()], waits("ErrImagePull"))
    assert first.urgent
    second = plan(after(job(), first), [child()], waits("ImagePullBackOff"))
    assert conditions(second)["PodsStarting"] == ("False", "ImagePullBackOff")
    assert not second.urgent


def test_a_deleted_child_is_created_again():
    running = plan(job(), [child()], [pod(0)])
    assert created(plan(after(job(), running))) == [WORKER]


def test_a_refused_manifest_fails_the_job_with_the_servers_sentence():
    planned = plan(job(), refused={WORKER: Reason("JobRejected", "spec.x is invalid")})
    assert conditions(planned)["Failed"] == ("True", "JobRejected")


def test_another_owners_job_of_our_childs_name_is_a_condition_and_nothing_is_adopted():
    planned = plan(job(), refused={WORKER: Reason("NameConflict", "exists")})
    assert planned.status.state == "Pending"
    assert conditions(planned)["NameConflict"][0] == "True"
    assert planned.actions == ()


def test_a_quota_that_refuses_the_child_is_told_and_not_final():
    planned = plan(job(), refused={WORKER: Reason("NotAllowed", "exceeded quota")})
    assert planned.status.state == "Pending"
    assert conditions(planned)["PodsStarting"] == ("False", "NotAllowed")


def test_ttl_deletes_children_and_keeps_the_object_final():
    before = {"state": "Complete", "completionTime": "2030-01-01T11:59:00Z"}
    kept = plan(job(before, ttlSecondsAfterFinished=100), [child(), child(FINALIZER)])
    assert (kept.actions, kept.requeue_after) == ((), 40)
    over = plan(job(before, ttlSecondsAfterFinished=60), [child(), child(FINALIZER)])
    assert [action.name for action in over.actions] == [WORKER, FINALIZER]
    assert over.status.state == "Complete"


class TestRetry:
    FAILED = {  # noqa: RUF012  never changed
        "state": "Failed",
        "sealedShards": "0-1,3",
        "conditions": [
            {
                "type": "Failed",
                "status": "True",
                "reason": "ShardsFailed",
                "message": "",
                "lastTransitionTime": "2030-01-01T11:59:00Z",
            }
        ],
    }

    def test_makes_another_worker_job_over_the_unsealed_shards(self):
        planned = plan(job(self.FAILED, retry=1), [child(status=FAILED_INDEX)])
        (action,) = planned.actions
        assert action.name == f"{WORKER}-r1"
        assert action.manifest["spec"]["completions"] == 1
        notes = action.manifest["spec"]["template"]["metadata"]["annotations"]
        assert notes["batchprocess.dev/shards"] == "2"
        assert planned.status.state == "Pending"
        assert planned.status.retry == 1

    def test_needs_no_child_that_is_left(self):
        (action,) = plan(job(self.FAILED, retry=2)).actions
        assert action.name == f"{WORKER}-r2"
        assert action.manifest["spec"]["completions"] == 1

    def test_waits_until_the_worker_job_before_has_ended(self):
        planned = plan(job(retry=1), [child()], [pod(0)])
        assert created(planned) == []
        assert planned.status.state == "Running"

    def test_that_succeeds_goes_on_to_a_finalizer_of_its_own(self):
        second = child(f"{WORKER}-r1", retry=1, shards="2", completions=1, status={"succeeded": 1})
        state = self.FAILED | {"state": "Running", "retry": 1, "conditions": []}
        planned = plan(job(state, retry=1), [child(status=FAILED_INDEX), second])
        assert created(planned) == [f"{FINALIZER}-r1"]

    def test_is_refused_once_the_run_is_final(self):
        planned = plan(job({"state": "Complete"}, retry=1))
        assert planned.actions == ()
        assert [event.reason for event in planned.events] == ["RetryRefused"]
        again = plan(after(job(retry=1), planned))
        assert again.events == ()

    def test_makes_only_a_finalizer_once_there_was_one(self):
        status = self.FAILED | {
            "conditions": [self.FAILED["conditions"][0] | {"reason": "VerificationFailed"}]
        }
        assert created(plan(job(status, retry=1))) == [f"{FINALIZER}-r1"]

    def test_starts_anew_what_we_suspended_ourselves(self):
        suspended = child(suspend=True, status={"completedIndexes": "0", "succeeded": 1})
        state = self.FAILED | {"sealedShards": "0"}
        (action,) = plan(job(state, retry=1), [suspended]).actions
        assert (action.name, action.manifest["spec"]["completions"]) == (f"{WORKER}-r1", 3)
