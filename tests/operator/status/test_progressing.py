"""Whether a job gets on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from batchprocess.protocol.control import Indexed
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.reported import Reported, ShardReport
from support.operator.objects import NOW, after, child, ended, job, plan, pod

NOTHING = Reported()


def heard(
    shard: int, idle: float, heard: float = 0, phase: str = "running", cursor: int = 5
) -> ShardReport:
    at, moved = NOW - timedelta(seconds=heard), NOW - timedelta(seconds=idle)
    return ShardReport(shard, 3, cursor, 9, 6, phase, False, at, moved, 0.0)  # type: ignore[arg-type]


def told(*reports: ShardReport) -> Reported:
    return Reported({one.shard: one for one in reports})


def conditions(planned):
    return {one.type: (one.status, one.reason) for one in planned.status.conditions}


def message(planned, kind: str) -> str:
    return {one.type: one.message for one in planned.status.conditions}[kind]


def running(reported=NOTHING, **spec):
    pods = [pod(0), pod(1), pod(2)]
    return plan(job(parallelism=3, **spec), [child()], pods, reported=reported)


def raised(index: int = 0, *, created: float, over: float, cursor: int = 0):
    said = ended(ShardEnd(shard=index, cursor=cursor, seq=3), code=90, message="KeyError: 'a'")
    return pod(index, code=90, created=created, over=over, said=said)


OLD = child(created=-9_000)


class TestOnlyFailures:
    """A job whose pods fail one after the other does not get on, and says what they fail of."""

    FAILED = [raised(0, created=-100, over=-90), raised(1, created=-80, over=-70)]  # noqa: RUF012

    def told(self, *pods, before=None, **more):
        planned = plan(job(before), [OLD], [*self.FAILED, *pods], **more)
        return conditions(planned)["Progressing"]

    def test_are_told_with_their_cause_between_two_attempts(self) -> None:
        planned = plan(job(), [OLD], self.FAILED)
        assert conditions(planned)["Progressing"] == ("False", "UserCodeRaised")
        assert message(planned, "Progressing") == message(planned, "PodsFailed")

    def test_are_told_while_another_attempt_is_no_further(self) -> None:
        assert self.told(pod(0, created=-9)) == ("False", "UserCodeRaised")
        again = told(heard(0, 1, cursor=0))
        assert self.told(pod(0, created=-9), reported=again) == ("False", "UserCodeRaised")

    def test_are_told_though_others_have_succeeded_before(self) -> None:
        assert self.told(pod(2, created=-300, code=0, over=-200))[0] == "False"

    @pytest.mark.parametrize(
        "better",
        [
            pod(2, created=-60, code=0, over=-50),
            pod(2, created=-500),
            pod(0, created=-20),
        ],
        ids=["sealed-since", "at-work-all-the-time", "outlived-the-last"],
    )
    def test_are_not_all_that_happens_where_a_pod_does_well(self, better) -> None:
        assert self.told(better) == ("True", "BatchesFinish")

    def test_are_over_once_an_attempt_commits_more_than_the_last(self) -> None:
        far = [raised(0, created=-4_000, over=-400, cursor=5)]
        pods = [*far, pod(0, created=-300)]
        same, more = told(heard(0, 1, cursor=5)), told(heard(0, 1, cursor=6))
        for reported, status in ((same, "False"), (more, "True")):
            planned = plan(job(), [OLD], pods, reported=reported)
            assert conditions(planned)["Progressing"][0] == status

    def test_of_pods_that_were_preempted_are_none(self) -> None:
        assert conditions(plan(job(), [OLD], [pod(0, code=85)]))["Progressing"] == (
            "True",
            "BatchesFinish",
        )

    def test_are_no_event_and_no_write_of_their_own(self) -> None:
        begun = plan(job(), [OLD], [pod(0)])
        failed = plan(after(job(), begun), [OLD], self.FAILED)
        assert [one.reason for one in failed.events] == ["UserCodeRaised"]
        assert not failed.urgent
        well = plan(after(job(), failed), [OLD], [*self.FAILED, pod(0, created=-20)])
        assert (well.events, well.urgent) == ((), False)


def test_a_job_none_of_whose_pods_starts_any_more_does_not_progress() -> None:
    begun = plan(job(), [child()], [pod(0)])
    waits = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    stuck = [pod(0, code=85), pod(0, created=-9, phase="Pending", state=waits)]
    planned = plan(after(job(), begun), [child()], stuck)
    assert planned.status.state == "Running"
    assert conditions(planned)["Progressing"] == ("False", "ErrImagePull")
    assert [one.reason for one in planned.events] == ["ErrImagePull"]
    planned = plan(after(job(), begun), [child()], [*stuck, pod(1)])
    assert conditions(planned)["Progressing"] == ("True", "BatchesFinish")


class TestStall:
    def test_is_told_with_the_shards_names(self) -> None:
        planned = running(told(heard(0, 301), heard(1, 3), heard(2, 400)))
        assert conditions(planned)["Progressing"] == ("False", "Stalled")
        assert message(planned, "Progressing") == "no batch finished lately in shards 0,2"

    def test_is_over_when_a_batch_is_done(self) -> None:
        assert conditions(running(told(heard(0, 3))))["Progressing"] == ("True", "BatchesFinish")

    def test_is_told_before_the_agent_ends_it(self) -> None:
        assert conditions(running(told(heard(0, 16)), timeouts={"stallSeconds": 30}))[
            "Progressing"
        ] == ("False", "Stalled")

    def test_is_not_told_of_a_model_that_loads(self) -> None:
        planned = running(told(heard(0, 700, phase="starting")))
        assert conditions(planned)["Progressing"][0] == "True"

    def test_is_not_told_of_files_that_are_counted(self) -> None:
        planned = running(told(heard(0, 700, phase="indexing")))
        assert conditions(planned)["Progressing"] == ("True", "Indexing")
        assert message(planned, "Progressing") == "the files of the input are listed"

    def test_says_how_far_the_counting_is_while_no_shard_is_further(self) -> None:
        far = [
            replace(heard(n, 1, phase="indexing"), indexed=Indexed(done=n * 30, total=99))
            for n in (0, 1)
        ]
        planned = running(told(*far))
        assert message(planned, "Progressing") == (
            "30 % of 99 bytes of the input are looked through for rows"
        )
        planned = running(told(far[0], heard(1, 1)))
        assert conditions(planned)["Progressing"] == ("True", "BatchesFinish")

    def test_is_told_of_a_loop_that_waits_for_storage(self) -> None:
        assert (
            conditions(running(told(heard(0, 400, phase="storage"))))["Progressing"][0] == "False"
        )

    def test_is_not_told_of_shards_of_which_nothing_is_heard(self) -> None:
        """The endpoint may be cut off, and the job runs right."""
        assert conditions(running(told(heard(0, 500, heard=500))))["Progressing"][0] == "True"

    def test_is_not_told_of_shards_that_nobody_works_on(self) -> None:
        assert conditions(running(told(heard(3, 500))))["Progressing"][0] == "True"
