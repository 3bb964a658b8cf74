"""The worker Job: made, adjusted, refused. Pure: no clock, no API server."""

from dataclasses import replace
from typing import Any

from batchprocess_operator.manifests.finalizer_template import finalizer_digest
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.job import Job
from batchprocess_operator.model.observed import ChildJob, Reason
from batchprocess_operator.model.plan import CheckFinalizer, CreateJob, DeleteJob
from support.operator.objects import (
    FINALIZER,
    WORKER,
    after,
    child,
    condition,
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


def test_kueue_is_told_that_an_elastic_job_may_change_and_it_does():
    elastic = job(queueName="gpus", elastic=True, parallelism=9)
    (action,) = plan(elastic).actions
    assert action.manifest["metadata"]["annotations"]["kueue.x-k8s.io/elastic-job"] == "true"
    assert patches(plan(elastic, [child(suspend=True)])) == [{"parallelism": 9}]
    assert patches(plan(elastic, [child()])) == [{"parallelism": 9}]
    assert patches(plan(elastic, [child(parallelism=9, suspend=True)])) == []


def test_an_elastic_job_that_kueue_cannot_start_again_is_made_anew_once_no_pod_is_left():
    stopped = child(suspend=True)
    left = replace(stopped, old_workload=True)
    elastic = job(queueName="gpus", elastic=True)
    planned = plan(elastic, [left])
    assert planned.actions == (DeleteJob(stopped.name, stopped.uid),)
    assert planned.status.state == "Queued"
    assert created(plan(elastic)) == [WORKER]
    assert plan(elastic, [left], [pod(0)]).actions == ()
    assert plan(elastic, [stopped]).actions == ()
    assert plan(job(queueName="gpus"), [left]).actions == ()


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


UNSURE = 'spec.colour is "red", which means nothing to me'


def unsure(**spec: Any) -> Job:
    return replace(job(spec.pop("status", None), colour="red", **spec), unsure=UNSURE)


def test_with_a_field_that_nobody_here_knows_nothing_is_begun():
    planned = plan(unsure())
    assert planned.actions == ()
    assert planned.status.state == "Pending"
    assert conditions(planned)["Stalled"] == ("True", "InvalidSpec")
    assert planned.requeue_after == 15.0


def test_what_has_begun_with_such_a_field_goes_on_and_is_told():
    changed = unsure(suspend=True, parallelism=3, timeouts={"activeDeadlineSeconds": 900})
    planned = plan(changed, [child()], [pod(0)])
    wanted = {"suspend": True, "parallelism": 3, "activeDeadlineSeconds": 900}
    assert patches(planned) == [wanted]
    assert planned.status.state == "Running"
    assert "Stalled" not in conditions(planned)
    told = by_type(planned.status.conditions)["UnknownFields"]
    assert (told.status, told.reason) == ("True", "NewerCRD")
    assert told.message.endswith(UNSURE)
    assert [event.reason for event in planned.events] == ["Started", "NewerCRD"]


def test_a_retry_with_such_a_field_waits_and_goes_on_when_it_is_known():
    failed = {"state": "Failed", "retry": 0, "conditions": []}
    old = child(suspend=True, status={"conditions": [condition("Failed", "BackoffLimitExceeded")]})
    planned = plan(unsure(status=failed, retry=1), [old])
    assert planned.actions == ()
    assert conditions(planned)["Stalled"] == ("True", "InvalidSpec")
    again = after(job(failed, retry=1), planned)
    assert created(plan(again, [old])) == [f"{WORKER}-r1"]


def test_a_field_that_means_nothing_is_told_and_stops_nothing():
    planned = plan(job(colour="blue"))
    assert created(planned) == [WORKER]
    assert conditions(planned)["UnknownFields"] == ("True", "NewerCRD")


def test_two_reasons_to_be_stalled_are_one_condition():
    """The API server refuses a list with two entries of one type."""
    refusal = {"unchangeable": {WORKER: Reason("NotAllowed", "no")}}
    kinds = [one.type for one in plan(unsure(), **refusal).status.conditions]
    assert kinds.count("Stalled") == 1


def test_with_the_worker_job_the_finalizer_is_judged_that_is_made_later() -> None:
    own = {"template": {"spec": {"priorityClassName": "high"}}}
    for one in (job(finalizer=own), job({"state": "Failed"}, finalizer=own, retry=1)):
        (made,) = [action for action in plan(one).actions if isinstance(action, CreateJob)]
        assert made.later is not None
        assert made.later["metadata"]["name"] == made.name.replace("0a1b2c3d", "0a1b2c3d-fin")
        assert made.later["spec"]["template"]["spec"]["priorityClassName"] == "high"


class TestChangedFinalizer:
    """What is asked for while workers are at work is judged while there is time."""

    BEFORE = job()
    AFTER = job(finalizer={"gpus": 1})

    def made(self) -> ChildJob:
        return replace(child(), finalizer=finalizer_digest(self.BEFORE.body))

    def check(self, **more: Any) -> list[Any]:
        planned = plan(self.AFTER, [self.made()], **more)
        return [one for one in planned.actions if isinstance(one, CheckFinalizer)]

    def test_it_is_judged_once_and_noted_in_the_worker_job(self) -> None:
        (check,) = self.check()
        assert (check.worker, check.uid) == (WORKER, f"uid-{WORKER}")
        assert check.manifest["metadata"]["name"] == FINALIZER
        assert "nvidia.com/gpu" in str(check.manifest)
        noted = replace(self.made(), finalizer=check.digest)
        assert plan(self.AFTER, [noted]).actions == ()
        assert plan(self.BEFORE, [self.made()]).actions == ()

    def test_a_refusal_is_told_and_stops_nothing(self) -> None:
        (check,) = self.check()
        why = {check.name: Reason("JobRejected", "spec.x: is invalid")}
        planned = plan(self.AFTER, [self.made()], [pod()], refused=why)
        assert (planned.actions, planned.status.state) == ((), "Running")
        assert conditions(planned)["Stalled"] == ("True", "JobRejected")
        again = plan(job(finalizer={"gpus": 2}), [self.made()], [pod()], refused=why)
        assert len(again.actions) == 1, "another is judged at once"
        assert "Stalled" not in conditions(again)

    def test_the_worker_job_of_an_older_operator_is_not_asked_for(self) -> None:
        assert plan(self.AFTER, [child()]).actions == ()
