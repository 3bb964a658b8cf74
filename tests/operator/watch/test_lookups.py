"""Questions that the watches do not answer, asked seldom, and only when something is in the way."""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from batchprocess_operator.kube.errors import ApiError, Denied, NotFound, Unavailable
from batchprocess_operator.model.observed import ChildJob, Reason
from batchprocess_operator.watch.lookups import Lookups
from support.operator.objects import FINALIZER, NOW, child, pod
from support.operator.virtual_time import run_virtually


class FakeAnswers:
    """Answers GETs by path; an exception is raised. Notes what was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers, self.asked = answers, []

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        self.asked.append((path, query))
        answer = self.answers.get(path, NotFound(path))
        if isinstance(answer, ApiError):
            raise answer
        return answer


def lookups(answers: Mapping[str, Any]) -> tuple[Lookups, FakeAnswers]:
    api = FakeAnswers(answers)
    return Lookups(api, lambda: asyncio.get_running_loop().time()), api  # type: ignore[arg-type]


def node(ready: str) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": "Ready", "status": ready}]}}


NODE = "/api/v1/nodes/node-1"
STUCK = [pod(0, deleted=-30)]


@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (node("True"), False),
        (node("False"), True),
        (node("Unknown"), True),
        ({"status": {}}, True),
        (NotFound("gone"), True),
        (Denied("nodes is forbidden"), False),
    ],
)
def test_a_node_is_lost_if_it_is_gone_or_does_not_say_that_it_is_ready(answer, lost) -> None:
    asking, _ = lookups({NODE: answer})
    found = run_virtually(asking.lost_nodes(STUCK, NOW))
    assert found == ({"node-1"} if lost else set())


def test_an_answer_that_does_not_come_is_no_answer() -> None:
    asking, _ = lookups({NODE: Unavailable("503")})
    with pytest.raises(Unavailable):
        run_virtually(asking.lost_nodes(STUCK, NOW))


@pytest.mark.parametrize(
    "one",
    [pod(0), pod(0, deleted=10), pod(0, deleted=-2), pod(0, deleted=-900, phase="Failed")],
)
def test_nobody_asks_about_nodes_of_pods_that_are_not_overdue(one) -> None:
    asking, api = lookups({NODE: node("False")})
    assert run_virtually(asking.lost_nodes([one], NOW)) == set()
    assert api.asked == []


def test_a_node_is_asked_about_once_in_a_while_however_many_pods_are_on_it() -> None:
    asking, api = lookups({NODE: node("Unknown")})

    async def often() -> None:
        for _ in range(20):
            await asking.lost_nodes([pod(k, deleted=-30) for k in range(9)], NOW)
            await asyncio.sleep(1)

    run_virtually(often())
    assert len(api.asked) == 2


EVENTS = "/api/v1/namespaces/team/events"


def event(reason: str, at: str) -> dict[str, str]:
    return {"reason": reason, "message": f"about {reason}", "lastTimestamp": at}


def trouble(asking: Lookups, made, pods):
    return run_virtually(asking.troubles("team", made, pods, NOW))


def silent(index: int = 0, of: str | None = None, created: float = -50):
    more = {} if of is None else {"of": of}
    return pod(index, phase="Pending", state={}, created=created, **more)


def test_a_pod_that_does_not_start_and_does_not_say_why_has_its_newest_warning() -> None:
    items = [event("Old", "2030-01-01T11:00:00Z"), event("FailedMount", "2030-01-01T11:59:00Z")]
    asking, api = lookups({EVENTS: {"items": items}})
    found = trouble(asking, child(), [silent()])
    assert [one.reason for one in found.values()] == ["FailedMount"]
    (_, query) = api.asked[0]
    assert query["fieldSelector"] == f"involvedObject.uid={silent().uid},type=Warning"


@pytest.mark.parametrize(
    "one",
    [
        pod(0),
        silent(created=-3),
        pod(0, phase="Pending", state={"waiting": {"reason": "ErrImagePull"}}),
        pod(0, code=1),
    ],
)
def test_nobody_asks_about_pods_that_run_are_new_or_say_why(one) -> None:
    asking, api = lookups({EVENTS: {"items": []}})
    assert trouble(asking, child(status={"active": 1}), [one]) == {}
    assert api.asked == []


def test_a_job_without_pods_has_its_own_newest_warning() -> None:
    items = [event("FailedCreate", "2030-01-01T11:59:00Z")]
    asking, _ = lookups({EVENTS: {"items": items}})
    assert trouble(asking, child(), [])["digits-0a1b2c3d"].reason == "FailedCreate"


@pytest.mark.parametrize(
    "made", [None, child(suspend=True), child(parallelism=0), child(created=-2)]
)
def test_nobody_asks_about_jobs_that_are_to_have_no_pods(made) -> None:
    asking, api = lookups({EVENTS: {"items": []}})
    assert trouble(asking, made, []) == {}
    assert api.asked == []


def asked_at(asking: Lookups, api: FakeAnswers, made: Any, seconds: int) -> list[int]:
    """When it is asked, if a pass wants to know in each second."""
    times = []

    async def look() -> None:
        for now in range(seconds):
            before = len(api.asked)
            await asking.troubles("team", made(now), [], NOW)
            times.extend([now] * (len(api.asked) - before))
            await asyncio.sleep(1)
            if now % 60 == 0:
                asking.forget_old()

    run_virtually(look())
    return times


@pytest.mark.hostile
def test_the_same_answer_is_asked_for_ever_more_seldom() -> None:
    items = [event("FailedCreate", "2030-01-01T11:59:00Z")]
    times = asked_at(*lookups({EVENTS: {"items": items}}), lambda _: child(), 1_500)
    assert [later - at for at, later in itertools.pairwise(times)] == [
        15,
        30,
        60,
        120,
        240,
        300,
        300,
        300,
    ]


def test_an_event_that_is_still_to_come_is_found_within_a_minute() -> None:
    times = asked_at(*lookups({EVENTS: {"items": []}}), lambda _: child(), 600)
    assert max(later - at for at, later in itertools.pairwise(times)) == 60


def test_a_job_that_changes_is_asked_about_anew_and_not_more_often_than_ever() -> None:
    items = [event("FailedCreate", "2030-01-01T11:59:00Z")]

    def changed(now: int) -> ChildJob:
        return replace(child(), version=now if now > 500 else 1)

    times = asked_at(*lookups({EVENTS: {"items": items}}), changed, 561)
    assert [one for one in times if one > 465] == [501, 516, 531, 546]


def test_another_answer_is_asked_for_soon_again() -> None:
    answers = {EVENTS: {"items": [event("FailedCreate", "2030-01-01T11:59:00Z")]}}

    def made(now: int) -> ChildJob:
        if now == 300:
            answers[EVENTS] = {"items": [event("Forbidden", "2030-01-01T12:00:00Z")]}
        return child()

    assert asked_at(*lookups(answers), made, 520)[-4:] == [225, 465, 480, 510]


@pytest.mark.hostile
def test_of_many_silent_pods_a_few_are_asked_about() -> None:
    asking, api = lookups({EVENTS: {"items": []}})
    trouble(asking, child(), [silent(k, created=-50 - k) for k in range(100)])
    assert len(api.asked) == 3


@pytest.mark.hostile
def test_events_that_are_not_to_be_had_are_no_reason_to_stop() -> None:
    asking, _ = lookups({EVENTS: Denied("forbidden")})
    assert trouble(asking, child(FINALIZER), [silent(of=FINALIZER)]) == {}


def test_old_answers_are_forgotten() -> None:
    asking, api = lookups({NODE: node("Unknown")})

    async def later() -> None:
        await asking.lost_nodes(STUCK, NOW)
        await asyncio.sleep(60)
        asking.forget_old()
        await asking.lost_nodes(STUCK, NOW)

    run_virtually(later())
    assert len(api.asked) == 2


class TestAPodThatNobodySaysAnythingOf:
    """It is for a node or a scheduler that does not exist: no controller looks at it."""

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (NotFound("gone"), "NodeNotFound"),
            (node("Unknown"), "NodeNotReady"),
            (node("True"), None),
            (Denied("nodes is forbidden"), None),
            (Unavailable("503"), None),
        ],
    )
    def test_is_told_by_its_node(self, answer, reason: str | None) -> None:
        asking, _ = lookups({EVENTS: {"items": []}, NODE: answer})
        found = trouble(asking, child(), [unseen()])
        assert [one.reason for one in found.values()] == ([] if reason is None else [reason])
        assert all("node node-1" in one.message for one in found.values())

    def test_is_told_by_its_scheduler_which_may_take_its_time(self) -> None:
        asking, _ = lookups({EVENTS: {"items": []}})
        one = unseen(nodeName=None, schedulerName="volcano", created=-31)
        (found,) = trouble(asking, child(), [one]).values()
        assert found == Reason(
            "NotScheduled", "no scheduler has looked at it: is there one named volcano?"
        )
        assert trouble(asking, child(), [unseen(nodeName=None, created=-20)]) == {}

    def test_is_told_by_its_warning_if_there_is_one(self) -> None:
        items = [event("FailedMount", "2030-01-01T11:59:00Z")]
        asking, _ = lookups({EVENTS: {"items": items}})
        (found,) = trouble(asking, child(), [unseen()]).values()
        assert found.reason == "FailedMount"

    def test_is_nowhere_no_more_once_a_node_has_seen_it(self) -> None:
        asking, api = lookups({EVENTS: {"items": []}})
        assert trouble(asking, child(), [silent()]) == {}
        assert NODE not in [path for path, _ in api.asked]


def unseen(**fields):
    more = {"phase": "Pending", "state": {}, "created": -50, "taken": False} | fields
    return pod(0, **more)


def test_a_warning_that_names_another_port_each_time_is_the_same_one() -> None:
    said = [f"dial tcp 10.0.0.5:{port}: refused" for port in range(9)]
    at = "2030-01-01T11:59:00Z"
    answers = {EVENTS: {"items": [{"reason": "FailedMount", "lastTimestamp": at}]}}
    asking, _ = lookups(answers)
    found = []

    async def often() -> None:
        for message in said:
            answers[EVENTS]["items"][0]["message"] = message
            found.extend((await asking.troubles("team", child(), [silent()], NOW)).values())
            await asyncio.sleep(300)

    run_virtually(often())
    assert {one.message for one in found} == {said[0]}
