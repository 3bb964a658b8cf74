"""Running, and the deadline until when workers must. Pure: no clock, no API server."""

from support.operator.objects import (
    after,
    child,
    job,
    plan,
    pod,
)
from support.operator.planned import conditions, patches


def test_a_job_is_running_once_a_container_runs():
    planned = plan(job(), [child()], [pod(0)])
    assert planned.status.state == "Running"
    assert planned.status.shards.running == 1


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
