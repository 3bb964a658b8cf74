"""One order of what stands in a job's way, whoever tells it."""

import pytest

from batchprocess.api.status import Condition
from batchprocess.kube.bad_news import BAD_NEWS, STANDING, worst


def condition(kind: str, status: str) -> Condition:
    told = {"type": kind, "status": status, "reason": kind, "message": "m"}
    return Condition.model_validate({**told, "lastTransitionTime": "2030-01-01T12:00:00Z"})


@pytest.mark.parametrize("number", range(len(BAD_NEWS)))
def test_what_stands_most_in_the_way_is_told_first(number: int) -> None:
    conditions = [condition(*kind) for kind in BAD_NEWS[number:]]
    assert worst(reversed(conditions)) == conditions[0]


@pytest.mark.parametrize(("kind", "status"), BAD_NEWS)
def test_a_condition_with_another_status_is_no_news(kind: str, status: str) -> None:
    other = "False" if status == "True" else "True"
    assert worst([condition(kind, other), condition("Running", "True")]) is None


def test_a_jobs_end_is_nothing_that_stands_in_the_way_of_one_that_goes_on() -> None:
    failed, degraded = condition("Failed", "True"), condition("Degraded", "True")
    assert worst([failed, degraded]) == failed
    assert worst([failed, degraded], STANDING) == degraded
