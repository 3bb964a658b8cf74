"""The worker Job: made, adjusted, refused. Pure: no clock, no API server."""

from batchprocess_operator.model.observed import Reason
from support.operator.objects import (
    WORKER,
    after,
    child,
    job,
    plan,
    pod,
)
from support.operator.planned import conditions, created, patches


def test_a_new_job_gets_one_worker_job_and_is_pending():
    planned = plan(job())
    assert created(planned) == [WORKER]
    assert planned.status.state == "Pending"
    assert conditions(planned)["Reconciling"] == ("True", "CreatingJob")


def test_a_job_whose_child_exists_creates_nothing():
    planned = plan(job(), [child()])
    assert planned.actions == ()
    assert "Reconciling" not in conditions(planned)


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
