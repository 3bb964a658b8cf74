"""What holds of reconcile for every job and whatever is observed of it, in whatever order."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from batchprocess.api.status import Status
from batchprocess.kube.index_ranges import parse_ranges
from batchprocess_operator.model.job import FINAL, Job
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.model.plan import CreateJob, Plan
from batchprocess_operator.observe.read_job import read_status, status_body
from batchprocess_operator.observe.shard_numbers import numbers
from batchprocess_operator.reconcile.reconcile import reconcile
from support.operator.histories import Step, specs, steps
from support.operator.objects import NOW, faultless, job, job_object

MANY = settings(
    max_examples=150,
    deadline=None,
    # Explaining traces every line, which takes minutes here.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FEW = settings(MANY, max_examples=15)
LONG = settings(MANY, max_examples=20_000)
# They take ten minutes of a core. A time limit that ends one looks like a history that fails:
# it is raised in whichever is at hand, which hypothesis then tells as falsifying.
LONG_TIME = pytest.mark.timeout(7200)


def stored(status: Status) -> dict[str, Any]:
    """As the API server has it after it was written."""
    told: dict[str, Any] = status_body(job_object(), status)["status"]
    return told


class History:
    """A job that is reconciled with one observation after the other."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec, self.now = {"shards": 4, "parallelism": 2} | spec, NOW
        self.status: dict[str, Any] = {}
        self.before = Status()

    def edit(self, changes: dict[str, Any]) -> None:
        """As the API server lets one; retry only grows."""
        grown = max(changes.get("retry", 0), self.spec.get("retry", 0))
        self.spec |= changes | {"retry": grown}

    def job(self) -> Job:
        return job(self.status, **self.spec)

    def look(self, step: Step) -> Plan:
        self.now += timedelta(seconds=step.seconds)
        self.edit(step.edit)
        self.before = read_status(job_object(self.status))
        plan = faultless(reconcile(self.job(), step.observed, self.now))
        self.status = stored(plan.status)
        return plan


def histories(*, honest: bool):
    """A spec and what happens to it."""
    return specs().flatmap(
        lambda spec: st.tuples(
            st.just(spec),
            st.lists(steps(honest=honest, spec=spec), min_size=1, max_size=6),
        )
    )


def check_lies(history: tuple[dict[str, Any], list[Step]]) -> None:
    spec, seen = history
    story = History(spec)
    for step in seen:
        story.look(step)
        assert read_status(job_object(story.status)) == Status.model_validate(story.status)


def check_history(history: tuple[dict[str, Any], list[Step]]) -> None:
    spec, seen = history
    story = History(spec)
    for step in seen:
        plan = story.look(step)
        assert_nothing_goes_back(story.before, plan.status)
        assert_final_stays(story, plan)
        assert_complete(plan.status)
        assert_again_is_the_same(story.job(), step.observed, plan, story.now)


def assert_nothing_goes_back(before: Status, after: Status) -> None:
    for kind in ("cursors", "claims"):
        pairs = zip(
            numbers(getattr(before, kind), 4), numbers(getattr(after, kind), 4), strict=True
        )
        assert all(old <= new for old, new in pairs), kind
    assert parse_ranges(before.sealed_shards) <= parse_ranges(after.sealed_shards)
    for kind in ("rows", "lost_work", "retry"):
        assert (getattr(before, kind) or 0) <= (getattr(after, kind) or 0), kind
    if before.batches is not None and after.batches is not None:
        assert before.batches.done <= after.batches.done
    assert before.start_time in (None, after.start_time)
    if before.state == after.state:
        assert before.completion_time in (None, after.completion_time)


def assert_final_stays(story: History, plan: Plan) -> None:
    before, after = story.before, plan.status
    if before.state not in FINAL:
        return
    retried = before.state == "Failed" and story.spec.get("retry", 0) > before.retry
    assert after.state == before.state or retried
    if not retried:
        assert not [one for one in plan.actions if isinstance(one, CreateJob)]


def assert_complete(status: Status) -> None:
    shards = status.shards
    assert shards is not None
    counts = (shards.succeeded, shards.running, shards.failed, shards.pending)
    assert sum(counts) == shards.total == 4
    kinds = [one.type for one in status.conditions]
    assert len(kinds) == len(set(kinds)), "the API server refuses a condition that comes twice"
    told = {one.type: one.status for one in status.conditions}
    if status.state in FINAL:
        assert sorted((told["Complete"], told["Failed"])) == ["False", "True"]
        assert status.completion_time is not None
    else:
        assert "Complete" not in told
        assert status.completion_time is None


def assert_again_is_the_same(one: Job, observed: Observed, plan: Plan, now: datetime) -> None:
    """With its own status read back: nothing more to tell, and nothing more to do.

    What follows a final state begins with the next look: pods are stopped, children deleted, and
    a retry that was asked for meanwhile begins or is refused.
    """
    again = faultless(reconcile(one, observed, now))
    if plan.status.state in FINAL and one.body.spec.retry > plan.status.retry:
        return
    assert stored(again.status) == stored(plan.status)
    assert again.events == ()
    assert not again.urgent
    if plan.status.state not in FINAL:
        assert again.actions == plan.actions


@pytest.mark.hostile
@FEW
@given(histories(honest=False))
def test_no_lie_of_a_tenants_pod_raises_or_gives_a_status_that_cannot_be_written(history) -> None:
    check_lies(history)


@FEW
@given(histories(honest=True))
def test_numbers_never_go_back_final_states_stay_and_a_second_look_changes_nothing(history) -> None:
    check_history(history)


@pytest.mark.hostile
@pytest.mark.slow
@MANY
@given(histories(honest=False))
def test_no_lie_raises_in_many_histories(history) -> None:
    check_lies(history)


@pytest.mark.slow
@MANY
@given(histories(honest=True))
def test_nothing_goes_back_in_many_histories(history) -> None:
    check_history(history)


@pytest.mark.full
@LONG_TIME
@LONG
@given(histories(honest=False))
def test_no_lie_raises_in_very_many_histories(history) -> None:
    check_lies(history)


@pytest.mark.full
@LONG_TIME
@LONG
@given(histories(honest=True))
def test_the_same_holds_in_very_many_histories(history) -> None:
    check_history(history)
