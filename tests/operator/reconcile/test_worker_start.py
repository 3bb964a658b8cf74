"""Running, and the deadline until when workers must. Pure: no clock, no API server."""

from batchprocess_operator.model.observed import Reason
from support.operator.objects import (
    WORKER,
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


class TestWhyNoPodCouldStart:
    STRICT = job(timeouts={"startSeconds": 90})
    NOPE = 'persistentvolumeclaim "nope" not found'

    def stuck(self):
        nowhere = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        return [pod(0, phase="Pending", state={}, conditions=[nowhere | {"message": self.NOPE}])]

    def failed(self, *seen, of=STRICT, **more):
        (told,) = [one for one in plan(of, *seen, **more).status.conditions if one.type == "Failed"]
        assert told.reason == "StartDeadlineExceeded"
        return told.message

    def test_is_said_of_the_job_that_has_failed(self):
        said = self.failed([child(created=-91)], self.stuck())
        assert said.endswith(f"(spec.timeouts.startSeconds): Unschedulable: {self.NOPE}")

    def test_is_taken_from_the_status_where_the_pods_are_gone(self):
        first = plan(self.STRICT, [child(created=-60)], self.stuck())
        assert self.NOPE in self.failed(
            [child(created=-91)], of=after(self.STRICT, first), later=91
        )

    def test_names_every_cause(self):
        no_image = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
        pods = [*self.stuck(), pod(1, phase="Pending", state=no_image)]
        said = self.failed([child(created=-91)], pods)
        assert said.endswith(f"Unschedulable: {self.NOPE}; ErrImagePull: no such image")

    def test_stands_in_the_status_for_good(self):
        late = plan(self.STRICT, [child(created=-91)], self.stuck())
        then = plan(after(self.STRICT, late), [child(created=-91)])
        assert then.status.conditions == late.status.conditions


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


class TestSuspended:
    """Said once it is so: the child is suspended, and none of its pods is left."""

    def test_while_pods_still_commit_the_job_runs(self):
        one = job({"state": "Running"}, suspend=True)
        asked = plan(one, [child()], [pod(0)])
        assert (asked.status.state, patches(asked)) == ("Running", [{"suspend": True}])
        commits = plan(one, [child(suspend=True)], [pod(0), pod(1, code=85)])
        assert (commits.status.state, commits.requeue_after) == ("Running", 15)
        assert conditions(commits)["Suspended"][0] == "False"
        assert plan(one, [child(suspend=True)], [pod(0, code=85)]).status.state == "Suspended"

    def test_kueue_takes_a_job_away_only_when_its_pods_have_ended(self):
        one = job({"state": "Running"}, queueName="gpus")
        assert plan(one, [child(suspend=True)], [pod(0)]).status.state == "Running"
        assert plan(one, [child(suspend=True)], [pod(0, code=85)]).status.state == "Queued"

    def test_a_job_that_cannot_be_suspended_is_not_said_to_be_and_does_not_fail_by_time(self):
        strict = job(suspend=True, timeouts={"startSeconds": 30})
        why = {WORKER: Reason("NotAllowed", "admission webhook denied the request")}
        planned = plan(strict, [child(created=-600)], unchangeable=why)
        assert planned.status.state == "Pending"
        assert conditions(planned)["Stalled"] == ("True", "NotAllowed")
        (event,) = [one for one in planned.events if one.reason == "NotAllowed"]
        assert f"{WORKER} cannot be changed: admission webhook denied" in event.message

    def test_a_failed_job_whose_pods_cannot_be_stopped_says_so(self):
        why = {WORKER: Reason("NotAllowed", "no right to patch jobs")}
        planned = plan(job({"state": "Failed"}), [child()], [pod(0)], unchangeable=why)
        assert conditions(planned)["Stalled"] == ("True", "NotAllowed")
        assert [one.reason for one in planned.events] == ["NotAllowed"]


def test_a_worker_job_that_somebody_else_has_suspended_is_said_to_be_so():
    held = plan(job(), [child(suspend=True)])
    assert held.status.state == "Suspended"
    assert patches(held) == [{"suspend": False}]
    assert plan(job(), [child(suspend=True)], [pod(0)]).status.state == "Running"
