"""Events are for people: told once, few a minute, and never needed."""

import asyncio
from typing import Any

import pytest

from batchprocess_operator.apply.event_recorder import EventRecorder
from batchprocess_operator.model.plan import Event
from support.operator.fake_api import FakeApi, FakeServer, Object
from support.operator.objects import job
from support.operator.virtual_time import run_virtually

ABOUT = job().identity


def told(events: list[tuple[float, Event]], recorders: int = 1, **server: Any) -> list[Object]:
    """What is on the server after `events`, each with the seconds to wait before it."""

    async def whole() -> list[Object]:
        made = FakeServer(**server)
        loop = asyncio.get_running_loop()
        posts = [EventRecorder(FakeApi(made), loop.time) for _ in range(recorders)]  # type: ignore[arg-type]
        for seconds, event in events:
            await asyncio.sleep(seconds)
            for recorder in posts:
                await recorder.post(event, ABOUT, made.now())
        return made.list("/api/v1/events")

    return run_virtually(whole())


def event(message: str = "m", reason: str = "Failed", same: str = "") -> Event:
    return Event("Warning", reason, message, same)


def test_an_event_says_what_it_is_about_so_that_describe_shows_it() -> None:
    (one,) = told([(0, event())])
    about = one["involvedObject"]
    assert (about["kind"], about["name"], about["uid"]) == ("BatchProcessJob", "digits", ABOUT.uid)
    assert (one["type"], one["reason"], one["message"], one["count"]) == (
        "Warning",
        "Failed",
        "m",
        1,
    )
    assert one["firstTimestamp"] == "2030-01-01T12:00:00Z"


@pytest.mark.hostile
def test_the_same_warning_is_told_once_an_hour_for_then_the_api_server_has_forgotten_it() -> None:
    assert len(told([(10, event())] * 350)) == 1
    assert len(told([(0, event()), (3_601, event())])) == 2


def test_who_suspends_and_resumes_a_job_sees_each_of_it() -> None:
    paused = Event("Normal", "Suspended", "workers commit")
    assert len(told([(10, paused)] * 20)) == 1
    assert len(told([(0, paused), (301, paused)])) == 2


def test_what_is_the_same_but_for_a_port_is_one_event() -> None:
    said = [event(f"dial tcp 10.0.0.5:{port}: refused", same="dial: refused") for port in range(9)]
    (one,) = told([(60, each) for each in said])
    assert one["message"] == "dial tcp 10.0.0.5:0: refused"
    assert len(told([(0, said[0])], recorders=2)) == 1


def test_what_was_told_is_remembered_of_the_last_fifty_events() -> None:
    others = [(60.0, event(str(number))) for number in range(49)]
    assert len(told([(0, event()), *others, (60, event())])) == 50
    others.append((60, event("one more")))
    assert len(told([(0, event()), *others, (60, event())])) == 52


def test_other_words_are_another_event() -> None:
    assert len(told([(0, event("a")), (0, event("b")), (0, event("a", "Other"))])) == 3


@pytest.mark.hostile
def test_no_job_tells_more_than_twenty_a_minute() -> None:
    assert len(told([(0, event(str(number))) for number in range(100)])) == 20
    assert len(told([(1, event(str(number))) for number in range(120)])) <= 41


def test_twins_that_see_the_same_tell_it_once() -> None:
    assert len(told([(0, event())], recorders=3)) == 1


@pytest.mark.hostile
def test_long_messages_are_cut_to_what_the_api_server_takes() -> None:
    (one,) = told([(0, event("x" * 5_000))])
    assert len(one["message"]) <= 1_024


def test_foreign_words_are_cleaned_as_in_conditions() -> None:
    (one,) = told([(0, event("a\x1b[31m\nb\x00"))])
    assert one["message"] == "a [31m b "


def test_a_refused_event_is_logged_and_nothing_more(caplog) -> None:
    assert told([(0, event())], faults={0: "denied"}) == []
    assert "was not posted" in caplog.text
