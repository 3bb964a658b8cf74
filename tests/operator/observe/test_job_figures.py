"""Numbers of a status, whoever wrote it."""

import math
from typing import Any

import pytest

from batchprocess_operator.observe.job_figures import figures_of

META = {"creationTimestamp": "2030-01-01T00:00:10Z"}
STATUS: dict[str, Any] = {
    "state": "Running",
    "conditions": [
        {"type": "Stalled", "status": "True", "reason": "PodsFail"},
        {"type": "Failed", "status": "False", "reason": "Running"},
    ],
    "shards": {"total": 4, "succeeded": 1, "running": 2, "failed": 0, "pending": 1},
    "batches": {"done": 7, "total": 20},
    "dataset": {"rows": 80, "batches": 20, "batchSize": 4},
    "rows": 28,
    "rate": 2.5,
    "lostWork": 3,
    "attempts": 5,
}


SPEC = {"failurePolicy": {"onBadRow": "skip"}}


def limit(policy: Any = None, **spec: Any) -> float | None:
    given = {"failurePolicy": {"onBadRow": "skip"} | (policy or {}), **spec}
    return figures_of({}, given, {"dataset": {"rows": 1000, "batchSize": 4}}).bad_rows_limit


def test_the_limit_of_bad_rows_is_a_number_or_a_part_of_the_rows_that_are_processed() -> None:
    assert (limit(), limit({"maxBadRows": 7}), limit({"maxBadRows": "5%"})) == (10, 7, 50)
    assert limit({"maxBadRows": "5%"}, maxBatches=10, shards=2) == 4
    assert figures_of({}, {"failurePolicy": {"onBadRow": "fail"}}, STATUS).bad_rows_limit is None


@pytest.mark.hostile
@pytest.mark.parametrize("junk", [True, -1, math.nan, 10**400, "9" * 999, "1e9%", [], {}, [1]])
def test_a_limit_that_is_none_is_not_shown(junk: Any) -> None:
    assert limit({"maxBadRows": junk}) is None
    assert limit({"onBadRow": junk}) is None
    figures_of({}, {"failurePolicy": junk, "shards": junk, "maxBatches": junk}, STATUS)


def test_workers_are_wanted_of_a_running_job_that_is_not_scaled_to_nothing() -> None:
    assert figures_of({}, {}, {"state": "Running"}).working
    assert not figures_of({}, {"parallelism": 0}, {"state": "Running"}).working
    assert not figures_of({}, {}, {"state": "Suspended"}).working


def test_a_status_of_ours_is_read() -> None:
    found = figures_of(META, {}, STATUS)
    assert (found.state, found.failed, found.stalled) == ("Running", "", "PodsFail")
    assert found.shards == (1, 2, 0, 1)
    assert (found.batches, found.all_batches, found.batch_size) == (7, 20, 4)
    assert (found.rows, found.rate, found.lost_batches, found.attempts) == (28, 2.5, 3, 5)
    assert found.created == 1893456010


def test_a_job_without_a_status_is_pending() -> None:
    found = figures_of({}, {}, {})
    assert (found.state, found.created, found.shards) == ("Pending", None, (0, 0, 0, 0))


@pytest.mark.hostile
@pytest.mark.parametrize("junk", [None, True, -1, math.nan, math.inf, 10**400, "9", [], {}, [1]])
def test_what_nobody_of_us_wrote_counts_as_nothing(junk: Any) -> None:
    found = figures_of({"creationTimestamp": junk}, SPEC, dict.fromkeys(STATUS, junk))
    assert found.state == "Pending"
    assert found.created is None
    numbers = (*found.shards, found.rate, found.rows, found.batches, found.lost_batches)
    assert all(math.isfinite(one) and one >= 0 for one in numbers)
    figures_of({}, {}, {"conditions": [junk, {"type": junk, "status": "True", "reason": junk}]})
