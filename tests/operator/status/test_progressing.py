"""Whether a job gets on."""

from datetime import timedelta

from batchprocess_operator.model.observed import Reported, ShardReport
from support.operator.objects import NOW, child, job, plan, pod

NOTHING = Reported()


def heard(shard: int, idle: float, heard: float = 0, phase: str = "running") -> ShardReport:
    at, moved = NOW - timedelta(seconds=heard), NOW - timedelta(seconds=idle)
    return ShardReport(shard, 3, 5, 9, 6, phase, False, at, moved, 0.0)  # type: ignore[arg-type]


def told(*reports: ShardReport) -> Reported:
    return Reported({one.shard: one for one in reports})


def conditions(planned):
    return {one.type: (one.status, one.reason) for one in planned.status.conditions}


def message(planned, kind: str) -> str:
    return {one.type: one.message for one in planned.status.conditions}[kind]


def running(reported=NOTHING, **spec):
    pods = [pod(0), pod(1), pod(2)]
    return plan(job(parallelism=3, **spec), [child()], pods, reported=reported)


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

    def test_is_told_of_a_loop_that_waits_for_storage(self) -> None:
        assert (
            conditions(running(told(heard(0, 400, phase="storage"))))["Progressing"][0] == "False"
        )

    def test_is_not_told_of_shards_of_which_nothing_is_heard(self) -> None:
        """The endpoint may be cut off, and the job runs right."""
        assert conditions(running(told(heard(0, 500, heard=500))))["Progressing"][0] == "True"

    def test_is_not_told_of_shards_that_nobody_works_on(self) -> None:
        assert conditions(running(told(heard(3, 500))))["Progressing"][0] == "True"
