"""The shipped ledger code under every choice of crash, lost reply, twin and late request."""

import pytest

from explorer.bugs import BUGS, Bug
from explorer.checkers import Violation
from explorer.explore import begin, exhaust, walk
from explorer.scripts import finalizer, worker

pytestmark = pytest.mark.slow


def test_two_rivals_and_three_commits_keep_every_promise() -> None:
    explored = exhaust(begin(("A", worker(3), 0), ("B", worker(3), 0), faults=1))
    print(explored)
    assert explored.states > 10_000
    assert explored.ends > 100


def test_a_rival_that_restarts_keeps_every_promise() -> None:
    explored = exhaust(begin(("A", worker(1), 1), ("B", worker(1), 0), faults=1))
    print(explored)
    assert explored.states > 5_000


@pytest.mark.full
def test_a_rival_that_restarts_under_two_faults_keeps_every_promise() -> None:
    explored = exhaust(begin(("A", worker(1), 1), ("B", worker(1), 0), faults=2))
    print(explored)
    assert explored.states > 600_000


def test_a_finalizer_as_third_party_keeps_every_promise() -> None:
    actors = (("A", worker(1), 0), ("F", finalizer(1), 0))
    explored = exhaust(begin(*actors, faults=1))
    print(explored)
    assert explored.states > 3_000


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
