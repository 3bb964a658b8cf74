"""Every request of a job's whole life fails in every way; the end is the same each time.

The controller is the real one; API server, Job controller, kubelet and clock are fakes.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from support.operator.fake_api import FAULTS, Fault
from support.operator.fake_jobs import End
from support.operator.lives import Life, live

WORKER, FINALIZER = "digits-00000001", "digits-00000001-fin"
pytestmark = pytest.mark.slow
PASSING: tuple[Fault, ...] = tuple(fault for fault in FAULTS if fault != "rejected")
"""What may be otherwise the next time. An invalid request is not."""


def eventful(role: str, index: int, attempt: int) -> End:
    """Preempted twice, crashed once, fenced once; the finalizer is preempted once."""
    if role == "finalizer":
        return End(85) if attempt == 0 else End()
    bad = {(0, 0): End(85, cursor=2), (0, 1): End(85, cursor=3), (1, 0): End(1, cursor=1)}
    return bad.get((index, attempt), End(87, cursor=4) if (index, attempt) == (2, 0) else End())


def poisoned() -> Callable[[str, int, int], End]:
    """Shard 1 fails in the first Job, and no other; so does the first finalizer."""
    seen: Counter[tuple[str, int]] = Counter()

    def script(role: str, index: int, attempt: int) -> End:
        seen[role, index] += 1
        first = seen[role, index] == 1
        if first and (role, index) in {("worker", 1), ("finalizer", 0)}:
            return End(93, message="a file is missing") if role == "finalizer" else End(1)
        return End()

    return script


def slow(role: str, index: int, attempt: int) -> End:
    """Long enough to be suspended in the middle, then preempted by it."""
    return End(seconds=200 if attempt == 0 and role == "worker" else 3)


@dataclass(frozen=True)
class Story:
    """One life, and what happens in it without any fault."""

    name: str
    script: Callable[[], Callable[[str, int, int], End]]
    spec: Mapping[str, Any]
    children: tuple[str, ...]
    states: tuple[str, ...]

    def live(self, faults: Mapping[int, Fault] | None = None, operators: int = 1) -> Life:
        return live(self.script(), faults, operators=operators, seconds=3600, **self.spec)

    @cached_property
    def quiet(self) -> Life:
        return self.live()

    @cached_property
    def requests(self) -> int:
        return len(self.quiet.server.requests)


STORIES = {
    story.name: story
    for story in (
        Story(
            "eventful",
            lambda: eventful,
            {},
            (WORKER, FINALIZER),
            ("Pending", "Running", "Finalizing", "Complete"),
        ),
        Story(
            "retried",
            poisoned,
            {
                "failurePolicy": {"maxRetriesPerShard": 0},
                "edits": [("Failed", {"retry": 1}), ("Failed", {"retry": 2})],
            },
            (WORKER, f"{WORKER}-r1", f"{FINALIZER}-r1", f"{FINALIZER}-r2"),
            ("Pending", "Running", "Failed") * 1
            + ("Pending", "Running", "Finalizing", "Failed", "Finalizing", "Complete"),
        ),
        Story(
            "suspended",
            lambda: slow,
            {"edits": [("Running", {"suspend": True}), ("Suspended", {"suspend": False})]},
            (WORKER, FINALIZER),
            ("Pending", "Running", "Suspended", "Pending", "Running", "Finalizing", "Complete"),
        ),
        Story(
            "condemned",
            lambda: lambda role, index, attempt: End(91, message="no such module"),
            {"ttlSecondsAfterFinished": 20},
            (WORKER,),
            ("Pending", "Running", "Failed"),
        ),
    )
}


@pytest.fixture(params=STORIES)
def story(request: pytest.FixtureRequest) -> Story:
    return STORIES[request.param]


def end_of(life: Life) -> dict[str, object]:
    """What must not depend on faults: the last status without its times and estimates."""
    status = dict(life.status)
    for told in ("startTime", "completionTime", "lostWork", "claims", "attempts"):
        status.pop(told, None)
    status["conditions"] = {
        one["type"]: (one["status"], one["reason"], one["message"]) for one in status["conditions"]
    }
    return status


def assert_same_end(life: Life, story: Story) -> None:
    assert end_of(life) == end_of(story.quiet)
    # Pods that came and went while no operator was alive are not counted: a lower bound.
    assert life.status["attempts"] <= story.quiet.status["attempts"]
    assert Counter(life.made()) == Counter(story.children), "a child is missing or was made twice"
    left = [one["metadata"]["name"] for one in life.server.list("/apis/batch/v1/jobs")]
    assert left == ([] if "ttlSecondsAfterFinished" in story.spec else list(story.children))
    assert len(life.made("/pods/")) == len(story.quiet.made("/pods/")), "pods of no use were made"
    assert is_part(life.states, story.states), "a state came back, or out of its order"


def is_part(states: list[str], whole: tuple[str, ...]) -> bool:
    """Whether they come in that order; states may be passed while nobody looks."""
    left = iter(whole)
    return all(state in left for state in states)


def test_the_quiet_lives_are_what_the_matrix_is_about(story: Story) -> None:
    assert tuple(story.quiet.states) == story.states
    assert_same_end(story.quiet, story)


def test_the_eventful_life_has_back_offs_and_an_event_in_it():
    quiet = STORIES["eventful"].quiet
    assert any("PATCH" in one for one in quiet.writes("/pods/")), "no back-off was reset"
    assert any("events" in one for one in quiet.writes())


def test_a_watch_of_pods_that_is_minutes_behind_costs_no_second_finalizer():
    story = STORIES["eventful"]
    life = live(eventful, seconds=3600, pods_lag=200)
    assert life.states[-1] == "Complete"
    assert life.made() == story.quiet.made()


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_at_any_request_changes_nothing(story: Story, fault: Fault) -> None:
    for number in range(story.requests):
        life = story.live({number: fault})
        assert_same_end(life, story)
        # Without its first full look, three listings, it does not begin.
        assert life.deaths == (1 if fault.startswith("die") or number < 3 else 0)


def test_an_invalid_request_is_final_for_a_child_and_nothing_for_all_else():
    story = STORIES["eventful"]
    for number, request in enumerate(story.quiet.server.requests):
        life = story.live({number: "rejected"})
        # The finalizer Job is judged before the worker Job is made.
        if request.method == "POST" and request.path.removesuffix("?dryRun").endswith("/jobs"):
            assert life.states[-1] == "Failed"
            failed = {one["type"]: one for one in life.status["conditions"]}["Failed"]
            assert failed["reason"] == "JobRejected"
            assert failed["message"].endswith("spec.x: is invalid")
        else:
            assert_same_end(life, story)


def test_an_api_server_that_is_away_for_a_while_changes_nothing(story: Story) -> None:
    for first in range(0, story.requests, 3):
        assert_same_end(story.live(dict.fromkeys(range(first, first + 5), "before")), story)


def faults_of(story: Story, seed: int, share: float) -> dict[int, Fault]:
    chosen = random.Random(seed)
    return {
        number: chosen.choice(PASSING)
        for number in range(4 * story.requests)
        if chosen.random() < share
    }


@pytest.mark.parametrize("seed", range(20))
def test_many_faults_at_random_change_nothing(story: Story, seed: int) -> None:
    assert_same_end(story.live(faults_of(story, seed, 0.3)), story)


@pytest.mark.parametrize("seed", range(15))
def test_two_operators_at_once_end_like_one(story: Story, seed: int) -> None:
    faults = faults_of(story, seed, 0.15) if seed else {}
    assert_same_end(story.live(faults, operators=2), story)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 1100))
def test_very_many_faults_at_random_change_nothing(story: Story, seed: int) -> None:
    assert_same_end(story.live(faults_of(story, seed, 0.3)), story)
    assert_same_end(story.live(faults_of(story, seed, 0.15), operators=2), story)
