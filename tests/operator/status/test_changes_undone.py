"""Somebody who undoes what we do to a child is named, with what helps. Pure."""

from batchprocess_operator.model.names import MADE
from batchprocess_operator.model.observed import Reason
from support.operator.objects import (
    FINALIZER,
    WORKER,
    after,
    child,
    condition,
    job,
    plan,
)
from support.operator.planned import DONE, conditions


def stalled(planned):
    return {one.type: one for one in planned.status.conditions}.get("Stalled")


def contested(of=None, managers=None, fields=("suspend",), **spec):
    seen = child(managers=managers or {}, suspend="suspend" in fields, **spec)
    return plan(of or job(), [seen], undone={WORKER: fields})


def test_a_child_that_is_suspended_each_time_is_told_with_the_managers_name():
    planned = contested(managers={"suspend": "kueue"})
    told = stalled(planned)
    assert (told.status, told.reason) == ("True", "ChangesUndone")
    assert told.message.startswith(f'spec.suspend of Job {WORKER} is set back each time by "kueue"')
    assert "batchprocess.dev/job-uid" in told.message
    assert "spec.queueName" in told.message
    assert planned.status.state == "Suspended"
    assert conditions(planned)["Suspended"] == ("True", "Suspended")
    assert [event.reason for event in planned.events] == ["Suspended", "ChangesUndone"]


def test_nobody_known_is_told_too():
    assert "by a mutating webhook, or a client that cannot be told;" in stalled(contested()).message


def test_the_name_stays_though_we_have_just_set_the_field_again():
    first = contested(managers={"suspend": "kueue"})
    again = plan(after(job(), first), [child()], undone={WORKER: ("suspend",)})
    assert stalled(again) == stalled(first)
    assert again.events == ()


def test_several_fields_and_several_children_are_one_condition():
    both = ("activeDeadlineSeconds", "parallelism")
    seen = child(managers={"parallelism": "a", "activeDeadlineSeconds": "b"}, parallelism=9)
    planned = plan(job(), [seen], undone={WORKER: both, "zzz": (MADE,)})
    fields = "spec.activeDeadlineSeconds and spec.parallelism"
    assert stalled(planned).message.startswith(
        f'{fields} of Job {WORKER} are set back each time by "a" and "b"; 1 more; '
    )


def test_a_child_that_is_deleted_each_time_is_told_and_nobody_waits_for_its_creation():
    planned = plan(job(), undone={WORKER: (MADE,)})
    assert "is deleted again and again" in stalled(planned).message
    assert "Reconciling" not in conditions(planned)


def test_a_finalizer_that_is_suspended_each_time_is_told():
    held = child(FINALIZER, suspend=True, managers={"suspend": "kueue"})
    planned = plan(job(), [child(status=DONE), held], undone={FINALIZER: ("suspend",)})
    assert planned.status.state == "Finalizing"
    assert conditions(planned)["Suspended"] == ("True", "FinalizerSuspended")
    assert f'Job {FINALIZER} is set back each time by "kueue"' in stalled(planned).message


def test_the_worker_job_of_a_failed_job_that_somebody_resumes_each_time_is_told():
    failed = job({"state": "Failed", "conditions": []})
    seen = child(status={"conditions": [condition("FailureTarget", "BackoffLimitExceeded")]})
    planned = plan(failed, [seen], undone={WORKER: ("suspend",)})
    assert conditions(planned)["Stalled"] == ("True", "ChangesUndone")


def test_a_refused_change_is_more_telling():
    refused = {WORKER: Reason("NotAllowed", "no")}
    planned = plan(job(), [child()], undone={WORKER: ("suspend",)}, unchangeable=refused)
    assert conditions(planned)["Stalled"] == ("True", "NotAllowed")


LEAVING = {"deletionTimestamp": "2030-01-01T11:59:00Z", "finalizers": ["example.com/keep"]}


def test_a_job_that_finalizers_keep_while_it_is_deleted_is_told():
    leaving = plan(job(), [child(meta=LEAVING)])
    told = stalled(leaving)
    assert (told.status, told.reason) == ("True", "JobBeingDeleted")
    assert told.message.startswith(f"Job {WORKER} is being deleted, which its finalizers keep it")
    assert "(example.com/keep)" in told.message
    assert stalled(plan(after(job(), leaving), [child()])) is None


def test_so_is_a_finalizers_job_and_neither_is_once_it_has_ended():
    sealed = child(meta=LEAVING, status=DONE)
    told = stalled(plan(job(), [sealed, child(FINALIZER, meta=LEAVING)]))
    assert f"Job {FINALIZER} is being deleted" in told.message
    assert stalled(plan(job(), [sealed])) is None


def test_that_it_was_deleted_is_still_said_when_the_job_has_failed_by_it():
    late = {"timeouts": {"startSeconds": 30}}
    first = plan(job(**late), [child(meta=LEAVING, created=-20)])
    then = plan(after(job(**late), first), [child(meta=LEAVING, created=-20)], later=60)
    assert then.status.state == "Failed"
    assert "JobBeingDeleted" in stalled(then).message
