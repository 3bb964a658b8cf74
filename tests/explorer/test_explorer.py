"""The shipped ledger code under every choice of crash, lost reply, twin and late request."""

import pytest

from explorer.bugs import BUGS, Bug
from explorer.checkers import Violation
from explorer.explore import begin, exhaust, walk
from explorer.scripts import finalizer, follower, lister, worker
from explorer.typed import typed_worker
from explorer.world import Script, World

pytestmark = pytest.mark.slow
Rival = tuple[int, int]
Actors = tuple[tuple[str, Script, int], ...]


@pytest.mark.parametrize(
    ("a", "b", "finalized", "faults", "least"),
    [
        # Batches that each rival commits (and restarts), whether a finalizer is third, faults.
        ((3, 0), (3, 0), False, 2, 400_000),
        ((1, 1), (1, 0), False, 2, 200_000),
        ((3, 0), None, True, 1, 20_000),
        ((2, 0), (2, 0), True, 0, 200_000),
        pytest.param((3, 0), (3, 0), True, 0, 500_000, marks=pytest.mark.full),
        pytest.param((1, 0), (1, 0), True, 1, 1_500_000, marks=pytest.mark.full),
        pytest.param((3, 1), (3, 0), False, 2, 2_000_000, marks=pytest.mark.full),
    ],
)
def test_every_order_of_steps_and_faults_keeps_every_promise(
    a: Rival, b: Rival | None, finalized: bool, faults: int, least: int
) -> None:
    rivals = [(name, worker(one[0]), one[1]) for name, one in (("A", a), ("B", b)) if one]
    third = [("F", finalizer(a[0]), 0)] if finalized else []
    explored = exhaust(begin(*rivals, *third, faults=faults), limit=50_000_000)
    print(explored)
    assert explored.states > least


@pytest.mark.parametrize("least", [3_000])
def test_all_attempts_read_one_listing_whatever_each_would_have_found(least: int) -> None:
    explored = exhaust(begin(("L", lister(), 1), ("LM", lister(), 1), faults=2))
    print(explored)
    assert explored.states > least


@pytest.mark.parametrize(
    ("a", "b", "least"),
    [
        ((1, 1), (1, 0), 200_000),
        pytest.param((2, 1), (2, 0), 1_000_000, marks=pytest.mark.full),
    ],
)
def test_no_record_goes_by_another_schema_than_the_runs(a: Rival, b: Rival, least: int) -> None:
    rivals = [(name, typed_worker(one[0]), one[1]) for name, one in (("A", a), ("B", b))]
    explored = exhaust(begin(*rivals, faults=2), limit=50_000_000)
    print(explored)
    assert explored.states > least


@pytest.mark.parametrize(
    ("a", "b", "finalized", "faults", "least"),
    [
        ((1, 1), (1, 0), False, 2, 1_000_000),
        ((1, 0), None, True, 1, 20_000),
        pytest.param((2, 1), (2, 0), False, 2, 2_000_000, marks=pytest.mark.full),
    ],
)
def test_nobody_goes_on_for_an_attempt_that_others_have_fenced(
    a: Rival, b: Rival | None, finalized: bool, faults: int, least: int
) -> None:
    """One is asked to by the process before it, the other works as ever."""
    rivals = [("A", follower(a[0]), a[1])] + ([("B", worker(b[0]), b[1])] if b else [])
    third = [("F", finalizer(a[0]), 0)] if finalized else []
    explored = exhaust(begin(*rivals, *third, faults=faults), limit=50_000_000)
    print(explored)
    assert explored.states > least


@pytest.mark.parametrize(
    "actors",
    [
        (("A", worker(1), 0), ("B", worker(1), 0)),
        (("A", worker(1), 0), ("F", finalizer(1), 0)),
    ],
)
def test_what_an_actor_remembers_decides_what_can_become_of_the_world(actors: Actors) -> None:
    merged = exhaust(begin(*actors, faults=1))
    apart = exhaust(begin(*actors, faults=1), key=World.history_key)
    assert merged.states < apart.states
    assert merged.outcomes == apart.outcomes


def test_attempts_that_commit_as_many_batches_as_are_finished_keep_every_promise() -> None:
    rivals = [("A", worker(3, at_once=2), 1), ("B", worker(3), 0)]
    explored = exhaust(begin(*rivals, faults=1), limit=50_000_000)
    print(explored)
    assert explored.states > 50_000
    third = ("F", finalizer(3), 1)
    actors = (("A", worker(3, at_once=3), 2), ("B", worker(3, at_once=2), 2), third)
    assert walk(begin(*actors, faults=8), 50_000, seed=2).states >= 50_000


def test_random_schedules_of_all_three_keep_every_promise() -> None:
    actors = (("A", worker(3), 2), ("B", worker(3), 2), ("F", finalizer(3), 1))
    explored = walk(begin(*actors, faults=8), 100_000, seed=1)
    print(explored)
    assert explored.states >= 100_000


@pytest.mark.full
@pytest.mark.parametrize("seed", range(10))
def test_a_million_random_steps_keep_every_promise(seed: int) -> None:
    actors = (("A", worker(3), 3), ("B", worker(3), 3), ("F", finalizer(3), 2))
    assert walk(begin(*actors, faults=12), 100_000, seed=100 + seed).states >= 100_000


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_seen_by_the_right_checker(name: str) -> None:
    bug: Bug = BUGS[name]
    with bug.patched(), pytest.raises(Violation) as seen:
        walk(bug.world(), 60_000, seed=1)
    assert seen.value.rule in bug.rules
