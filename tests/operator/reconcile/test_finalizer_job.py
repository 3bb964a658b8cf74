"""The finalizer Job: made once all is done, and believed. Pure: no clock, no API server."""

from dataclasses import replace
from typing import Any

from batchprocess_operator.model.observed import ChildJob, Reason
from batchprocess_operator.model.plan import DeleteJob, PatchJob
from support.operator.manifests import finalizer
from support.operator.objects import (
    FINALIZER,
    after,
    child,
    condition,
    ended,
    job,
    plan,
    pod,
    result,
)
from support.operator.planned import DONE, FAILED_INDEX, conditions, created, patches


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


def test_no_finalizer_is_made_for_a_job_with_a_field_that_nobody_here_knows():
    unsure = replace(job(colour="red"), unsure="spec.colour is red")
    planned = plan(unsure, [child(status=DONE)])
    assert planned.actions == ()
    assert planned.status.state == "Finalizing"
    assert conditions(planned)["Stalled"] == ("True", "InvalidSpec")
    assert created(plan(job(colour="red"), [child(status=DONE)])) == [FINALIZER]


def test_a_finalizer_that_somebody_has_suspended_is_resumed():
    planned = plan(job(), [child(status=DONE), child(FINALIZER, suspend=True)])
    assert planned.actions == (PatchJob(FINALIZER, f"uid-{FINALIZER}", {"suspend": False}),)
    assert planned.status.state == "Finalizing"
    assert conditions(planned)["Suspended"] == ("True", "FinalizerSuspended")


def test_a_finalizer_that_waits_for_kueue_is_left_to_it_and_told_as_queued():
    queued = job(queueName="gpus")
    waits = plan(queued, [child(status=DONE), child(FINALIZER, suspend=True, queue="gpus")])
    assert (waits.status.state, waits.actions) == ("Queued", ())
    assert [one.message for one in waits.events] == ["the finalizer waits to be admitted"]
    stopping = [pod(of=FINALIZER)]
    held = child(FINALIZER, suspend=True, queue="gpus")
    assert plan(queued, [child(status=DONE), held], stopping).status.state == "Finalizing"
    admitted = plan(queued, [child(status=DONE), child(FINALIZER, queue="gpus")])
    assert admitted.status.state == "Finalizing"


def test_a_queued_finalizer_whose_jobs_are_all_deleted_is_made_again_and_no_worker():
    queued = job(queueName="gpus")
    waits = plan(queued, [child(status=DONE), child(FINALIZER, suspend=True, queue="gpus")])
    assert created(plan(after(queued, waits))) == [FINALIZER]


def test_a_finalizer_that_an_older_operator_made_without_the_label_is_resumed():
    queued = job(queueName="gpus")
    planned = plan(queued, [child(status=DONE), child(FINALIZER, suspend=True)])
    assert planned.status.state == "Finalizing"
    assert len(planned.actions) == 1


def test_a_finalizer_that_was_killed_again_and_again_fails_the_job_with_how():
    over = [condition("Failed", "BackoffLimitExceeded", "Job has reached the backoff limit")]
    failed = child(FINALIZER, status={"conditions": over})
    killed = replace(pod(of=FINALIZER, code=137), died=Reason("OOMKilled", ""))
    planned = plan(job(), [child(status=DONE), failed], [killed])
    (told,) = [one for one in planned.status.conditions if one.type == "Failed"]
    assert told.reason == "FinalizerFailed"
    assert told.message == (
        f"pod {killed.name} was OOMKilled (exit code 137, SIGKILL); "
        "Job has reached the backoff limit"
    )


def made_of(**spec: Any) -> ChildJob:
    """The finalizer as it was made of this spec, at work."""
    made = finalizer(**spec)
    notes = made["metadata"]["annotations"]
    at_work = child(FINALIZER, activeDeadlineSeconds=made["spec"]["activeDeadlineSeconds"])
    return replace(at_work, finalizer=notes["batchprocess.dev/finalizer"])


ROOMY = {"resources": {"requests": {"memory": "900Gi"}}}


def test_a_finalizer_of_what_the_job_asks_for_is_left_alone() -> None:
    planned = plan(job(finalizer=ROOMY), [child(status=DONE), made_of(finalizer=ROOMY)])
    assert (planned.actions, planned.status.state) == ((), "Finalizing")


def test_what_is_changed_while_it_is_at_work_has_it_replaced() -> None:
    for own in (
        {"resources": {"requests": {"memory": "1Gi"}}},
        ROOMY | {"template": {"spec": {"priorityClassName": "high"}}},
    ):
        planned = plan(job(finalizer=own), [child(status=DONE), made_of(finalizer=ROOMY)])
        assert planned.actions == (DeleteJob(FINALIZER, f"uid-{FINALIZER}"),)
        again = plan(after(job(finalizer=own), planned), [child(status=DONE)])
        assert created(again) == [FINALIZER]


def test_its_deadline_is_changed_in_place() -> None:
    own = ROOMY | {"activeDeadlineSeconds": 60}
    planned = plan(job(finalizer=own), [child(status=DONE), made_of(finalizer=ROOMY)])
    assert patches(planned) == [{"activeDeadlineSeconds": 60}]


def test_one_that_does_not_say_what_it_was_made_of_is_not_replaced() -> None:
    older = replace(made_of(finalizer=ROOMY), finalizer=None)
    assert plan(job(), [child(status=DONE), older]).actions == ()


def test_one_that_has_ended_is_not_replaced_and_a_retry_has_what_is_asked_for_now() -> None:
    failed = replace(
        made_of(finalizer=ROOMY), conditions={"Failed": Reason("DeadlineExceeded", "")}
    )
    planned = plan(job(), [child(status=DONE), failed])
    assert (planned.actions, planned.status.state) == ((), "Failed")
    again = plan(after(job(), planned, retry=1), [child(status=DONE), failed])
    assert created(again) == [f"{FINALIZER}-r1"]
