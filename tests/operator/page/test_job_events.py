"""Events about a job, whoever has written them."""

import asyncio
from typing import Any

import pytest

from batchprocess_operator.page import job_events as module
from batchprocess_operator.page.job_events import JobEvents, event_of
from support.operator.objects import stamp
from support.operator.page_world import FakeReviews


def events_of(items: list[Any], times: int = 1) -> tuple[Any, FakeReviews]:
    api = FakeReviews(events=items)

    async def go() -> Any:
        known = JobEvents(api, lambda: 0.0)  # type: ignore[arg-type]
        found = [await known.of("team", "uid-a") for _ in range(times)]
        return found[-1]

    return asyncio.run(go()), api


def test_events_are_asked_for_by_the_jobs_uid_and_not_again_at_once():
    _, api = events_of([], times=5)
    (asked,) = api.asked
    assert asked[1]["path"] == "/api/v1/namespaces/team/events"
    assert asked[1]["fieldSelector"] == "involvedObject.uid=uid-a"


def test_the_newest_come_first_and_only_some_are_shown():
    items = [{"reason": f"r{n}", "lastTimestamp": stamp(n)} for n in range(100)]
    found, _ = events_of(items)
    assert [one.reason for one in found] == [f"r{n}" for n in range(99, 99 - module.MAX_EVENTS, -1)]


@pytest.mark.hostile
def test_of_events_that_cannot_be_read_there_is_none_and_they_are_not_asked_for_at_once():
    api = FakeReviews(events_fail=True)

    async def go() -> list[Any]:
        known = JobEvents(api, lambda: 0.0)  # type: ignore[arg-type]
        return [await known.of("team", "uid-a") for _ in range(5)]

    assert asyncio.run(go()) == [None] * 5
    assert [one["most"] for _, one in api.asked] == [module.MAX_BYTES]


@pytest.mark.hostile
def test_no_more_of_a_text_is_remembered_than_is_shown():
    found = event_of({"reason": "r" * 1_000_000, "message": "m" * 1_000_000})
    assert (len(found.reason), len(found.message)) == (64, 1_024)


@pytest.mark.hostile
@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"lastTimestamp": "yesterday", "count": -3, "reason": None, "message": 7, "metadata": []},
        {"lastTimestamp": 5, "eventTime": {}, "count": "many", "type": ["Warning"]},
        {"lastTimestamp": "2030-01-01T00:00:00"},
        {"metadata": {"creationTimestamp": "99999-01-01T00:00:00Z"}},
    ],
)
def test_an_event_of_nonsense_is_shown_as_what_is_left_of_it(raw: dict[str, Any]):
    found = event_of(raw)
    assert (found.times, found.last, found.warning) == (1, None, False)


def test_an_event_that_was_told_once_is_dated_by_its_making():
    made = {"metadata": {"creationTimestamp": stamp(3)}}
    assert event_of(made).last is not None
