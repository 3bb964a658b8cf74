"""Which conditions hold."""

import pytest

from batchprocess_operator.model.reported import Reported, ShardReport
from support.operator.objects import NOW, after, child, condition, job, plan, pod

NOTHING = Reported()
FINAL = ("Complete", "CompleteWithFailures", "Failed")


def told(*reports: ShardReport, **more) -> Reported:
    return Reported({one.shard: one for one in reports}, **more)


def conditions(planned):
    return {one.type: (one.status, one.reason) for one in planned.status.conditions}


def message(planned, kind: str) -> str:
    return {one.type: one.message for one in planned.status.conditions}[kind]


def running(reported=NOTHING, before=None, **spec):
    pods = [pod(0), pod(1), pod(2)]
    return plan(job(before, parallelism=3, **spec), [child()], pods, reported=reported)


class TestDegraded:
    BEFORE = {"cursors": "30,0,0,0", "claims": "9,0,0,0"}  # noqa: RUF012  never changed

    def test_is_told_when_storage_goes_back_and_stays(self) -> None:
        back = ShardReport(0, 10, 20, 99, 20, "running", False, NOW, NOW)
        lost = running(told(back), before=self.BEFORE)
        assert conditions(lost)["Degraded"] == ("True", "DataLoss")
        assert "shard 0 from 30 to 20" in message(lost, "Degraded")
        assert lost.urgent
        later = plan(after(job(), lost), [child()], [pod(0)])
        assert conditions(later)["Degraded"] == ("True", "DataLoss")

    def test_is_told_once_as_an_event(self) -> None:
        back = ShardReport(0, 10, 20, 99, 20, "running", False, NOW, NOW)
        lost = running(told(back), before=self.BEFORE)
        assert [event.reason for event in lost.events] == ["Started", "DataLoss"]
        again = plan(after(job(), lost), [child()], [pod(0)], reported=told(back))
        assert again.events == ()

    @pytest.mark.parametrize("claim", [0, 3, 9])
    def test_is_never_told_on_a_fenced_zombies_late_report(self, claim: int) -> None:
        late = ShardReport(0, claim, 20, 99, 20, "running", False, NOW, NOW)
        assert "Degraded" not in conditions(running(told(late), before=self.BEFORE))

    def test_survives_the_end_of_the_job(self) -> None:
        kept = {"type": "Degraded", "status": "True", "reason": "DataLoss", "message": "m"}
        kept |= {"lastTransitionTime": "2030-01-01T11:00:00Z"}
        before = {"state": "Complete", "conditions": [kept]}
        assert conditions(plan(job(before)))["Degraded"] == ("True", "DataLoss")


@pytest.mark.parametrize("state", FINAL)
def test_at_the_end_exactly_one_of_complete_and_failed_is_true(state: str) -> None:
    found = conditions(plan(job({"state": state})))
    assert sorted([found["Complete"][0], found["Failed"][0]]) == ["False", "True"]
    assert found["Complete"][0] == ("False" if state == "Failed" else "True")


def test_only_a_failed_job_is_stalled_for_kstatus() -> None:
    assert conditions(plan(job({"state": "Failed"})))["Stalled"][0] == "True"
    assert "Stalled" not in conditions(plan(job({"state": "Complete"})))
    assert "Stalled" not in conditions(running())


def test_reconciling_is_gone_once_the_child_exists() -> None:
    assert conditions(plan(job()))["Reconciling"] == ("True", "CreatingJob")
    assert "Reconciling" not in conditions(plan(job(), [child()]))


def test_a_suspended_job_says_so_and_not_that_it_progresses() -> None:
    found = conditions(plan(job(suspend=True), [child(suspend=True)]))
    assert found["Suspended"] == ("True", "Suspended")
    assert "Progressing" not in found
    assert conditions(running())["Suspended"][0] == "False"


def test_running_counts_pods_at_work() -> None:
    assert message(running(), "Running") == "3 pods"
    assert conditions(plan(job(), [child()]))["Running"] == ("False", "Pending")


def test_between_two_pods_the_job_runs_and_no_pod_does() -> None:
    planned = plan(job(), [child()], [pod(0, code=0)])
    assert planned.status.state == "Running"
    assert conditions(planned)["Running"] == ("False", "NoPodNow")


def test_no_type_is_named_twice_or_the_api_server_would_refuse_the_status() -> None:
    stuck = [
        pod(0, deleted=-10),
        pod(1, phase="Pending", state={"waiting": {"reason": "ErrImagePull"}}),
    ]
    back = told(ShardReport(0, 10, 20, 99, 20, "running", False, NOW, NOW))
    planned = plan(job(TestDegraded.BEFORE), [child()], stuck, reported=back, lost_nodes={"node-1"})
    kinds = [one.type for one in planned.status.conditions]
    assert len(kinds) == len(set(kinds))
    assert {"WaitingForNode", "PodsStarting", "Degraded", "Running"} <= set(kinds)


@pytest.mark.hostile
def test_reasons_of_kubernetes_that_are_no_word_do_not_break_the_status() -> None:
    odd = child(status={"conditions": [condition("Failed", "")]})
    assert conditions(plan(job(), [odd]))["Failed"] == ("True", "Failed")
