"""What somebody undoes is done ever more seldom, and told."""

import itertools
from typing import Any

import pytest

from batchprocess_operator.controller.repeats import MAX_KEPT, PAUSES, Repeats
from batchprocess_operator.model.names import MADE
from batchprocess_operator.model.plan import CreateJob, DeleteJob, PatchJob, ResetBackoff

RESUME = PatchJob("w", "uid-w", {"suspend": False})
MAKE = CreateJob({"metadata": {"name": "w"}})


def fight(repeats: Repeats, action: Any, seconds: int) -> list[int]:
    """When it is done, if it is wanted again in each second."""
    times = []
    for now in range(seconds):
        for one in repeats.due([action], now):
            repeats.done(one, now)
            times.append(now)
    return times


@pytest.mark.hostile
@pytest.mark.parametrize(
    "action", [RESUME, MAKE, DeleteJob("w", "uid-w"), ResetBackoff("p", "uid-p")]
)
def test_what_is_wanted_again_is_done_ever_more_seldom(action):
    times = fight(Repeats(), action, 3_600)
    assert times[:6] == [0, 1, 3, 7, 15, 31]
    assert {later - at for at, later in itertools.pairwise(times[9:])} == {PAUSES.most}
    assert len(times) == 20


def test_what_is_wanted_anew_is_done_at_once():
    repeats = Repeats()
    fight(repeats, RESUME, 100)
    suspend = PatchJob("w", "uid-w", {"suspend": True})
    assert repeats.due([suspend], 100) == [suspend]
    assert repeats.due([PatchJob("w", "uid-other", {"suspend": False})], 100)


def test_of_several_fields_only_the_one_that_is_undone_waits():
    repeats = Repeats()
    repeats.done(RESUME, 0)
    both = PatchJob("w", "uid-w", {"suspend": False, "parallelism": 3})
    assert repeats.due([both], 0.5) == [PatchJob("w", "uid-w", {"parallelism": 3})]
    assert repeats.undone(0.5) == {}
    repeats.done(RESUME, 1)
    assert repeats.due([both], 1.5) == [PatchJob("w", "uid-w", {"parallelism": 3})]
    assert repeats.undone(1.5) == {"w": ("suspend",)}


def test_nothing_is_undone_that_was_done_once_and_is_not_wanted_again():
    repeats = Repeats()
    repeats.done(RESUME, 0)
    assert repeats.due([], 1) == []
    assert repeats.undone(1) == {}
    assert repeats.wait(1) is None


def test_what_somebody_undoes_once_is_done_again_and_nobody_is_accused():
    repeats = Repeats()
    repeats.done(MAKE, 0)
    assert repeats.due([MAKE], 100) == [MAKE]
    repeats.done(MAKE, 100)
    repeats.due([], 101)
    assert repeats.undone(101) == {}
    assert repeats.wait(101) is None


def test_it_is_told_until_it_has_lasted_for_a_minute():
    repeats = Repeats()
    fight(repeats, RESUME, 4)  # done at 0, 1 and 3
    repeats.due([], 4)
    assert repeats.undone(62) == {"w": ("suspend",)}
    assert repeats.wait(62) == 1
    assert repeats.undone(63) == {}
    assert repeats.wait(63) is None


def test_a_child_that_has_to_be_made_again_and_again_is_told_and_pods_are_not():
    repeats = Repeats()
    fight(repeats, MAKE, 10)
    fight(repeats, ResetBackoff("p", "uid-p"), 10)
    assert repeats.undone(10) == {"w": (MADE,)}


def test_what_was_told_before_this_process_began_is_tried_once_and_then_seldom():
    assert fight(Repeats(contested=900), RESUME, 700) == [0, 300, 600]
    begun = Repeats(contested=900)
    begun.done(RESUME, 0)
    assert begun.undone(1) == {"w": ("suspend",)}


@pytest.mark.hostile
def test_what_is_long_ago_is_forgotten_and_what_is_kept_is_bounded():
    repeats = Repeats()
    fight(repeats, RESUME, 100)
    assert repeats.due([RESUME], 2_000) == [RESUME]
    for number in range(MAX_KEPT + 100):
        repeats.done(ResetBackoff(f"p{number}", f"u{number}"), 2_000)
    repeats.due([], 2_000)
    assert repeats.due([ResetBackoff("p0", "u0")], 2_000)
    assert not repeats.due([ResetBackoff("p2099", "u2099")], 2_000)
