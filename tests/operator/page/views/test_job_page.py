"""One job, whole."""

import json
from datetime import timedelta
from typing import Any

import pytest

from batchprocess_operator.model.observed import Observed
from batchprocess_operator.observe.stored_job import stored_job
from batchprocess_operator.page.views.job_page import JobPage, job_page
from batchprocess_operator.page.views.snapshot import EventSeen, Samples, Snapshot
from support.operator.objects import NOW, child, condition, job_object, pod, stamp


def page(
    status: dict[str, Any] | None = None, seen: Snapshot | None = None, **spec: Any
) -> JobPage:
    stored = stored_job(job_object(status, **spec))
    observed = Observed((child(),), (pod(0), pod(0, created=-80, code=1)))
    nothing = Snapshot(stored, observed, {}, Samples(), (), pods=True, now=NOW)
    return job_page(seen or nothing, {})


def told(kind: str, reason: str, status: str = "True") -> dict[str, str]:
    found = condition(kind, reason, f"because of {reason}")
    return found | {"status": status, "lastTransitionTime": stamp(-60)}


def test_what_stands_most_in_the_jobs_way_comes_first():
    said = [told("Running", "PodsRunning"), told("BadRows", "Left"), told("Stalled", "NameTaken")]
    found = page({"state": "Pending", "conditions": said})
    assert [one.type for one in found.conditions] == ["Stalled", "BadRows", "Running"]
    assert found.worst == found.conditions[0]


def test_a_job_that_is_complete_has_nothing_in_its_way():
    said = [told("PodsFailed", "UserCodeRaised"), told("Complete", "AllDone")]
    assert page({"state": "Complete", "conditions": said}).worst is None


def test_a_job_at_work_says_when_it_ends_and_one_that_is_over_when_it_did():
    times = {"startTime": stamp(-90), "eta": stamp(30)}
    facts = dict(page({"state": "Running", **times}).facts)
    assert facts["Estimated end"] == "2030-01-01 12:00:30 UTC"
    assert facts["So far"] == "1m30s"
    over = {"state": "Complete", "startTime": stamp(-90), "completionTime": stamp(-30)}
    facts = dict(page(over).facts)
    assert (facts["Ended"], facts["Took"]) == ("2030-01-01 11:59:30 UTC", "1m0s")


def test_a_job_that_this_operator_cannot_read_says_so_and_has_no_shards():
    found = page(shards="many")
    assert "shards" in found.unreadable
    assert (found.map, found.table, found.failures) == (None, None, ())


def test_attempts_are_those_of_pods_and_those_that_the_status_remembers():
    row = {"shard": 2, "cursor": 0, "state": "failed", "attempts": 5}
    found = page({"state": "Running", "shardProgress": [row]})
    assert found.table is not None
    assert [one.attempts for one in found.table.rows] == [2, 0, 5, 0]
    assert found.map is not None
    assert found.map.retried.count("M") == 2


def test_plots_are_given_numbers_and_nothing_where_there_is_none():
    nan = float("nan")
    samples = Samples((10.0, 20.0), (1.5, nan), (0.0, 5.0), (nan, 90.0), 10.0)
    seen = Snapshot(stored_job(job_object()), Observed(), {}, samples, None, pods=False, now=NOW)
    found = page(seen=seen)
    assert json.loads(found.series) == [[10, 20], [1.5, None], [None, 1.5]]
    assert [line[3] for line in found.samples] == ["1m30s", ""]
    assert (found.events, found.failures) == (None, None)


def test_a_long_life_is_a_dozen_lines_of_words():
    times = tuple(float(n) for n in range(360))
    samples = Samples(times, times, times, times, 10.0)
    seen = Snapshot(stored_job(job_object()), Observed(), {}, samples, (), pods=True, now=NOW)
    assert len(page(seen=seen).samples) == 12


@pytest.mark.hostile
def test_events_are_cut_and_plain():
    event = EventSeen(True, "r" * 500, "m\x00" * 5_000, 3, NOW - timedelta(seconds=5))
    stored = stored_job(job_object())
    seen = Snapshot(stored, Observed(), {}, Samples(), (event,), pods=True, now=NOW)
    (found,) = page(seen=seen).events or ()
    assert (len(found.reason), len(found.message), "\x00" in found.message) == (64, 1_024, False)
    assert found.last is not None
    assert found.last.ago == "5s"
