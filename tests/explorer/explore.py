"""Walking the states: all of them, deduplicated, or seeded at random."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from explorer.checkers import FOREIGN, check
from explorer.world import Actor, Script, World, steps

_FAULT_SHARE = 0.2


@dataclass(frozen=True)
class Explored:
    """How much was seen; an explorer that sees nothing finds nothing.

    `outcomes`: what storage and exit codes can be when nobody is left to move.
    """

    states: int
    ends: int
    outcomes: frozenset[int] = field(default=frozenset(), repr=False)


def begin(*scripts: tuple[str, Script, int], faults: int, overwriting: bool = False) -> World:
    """A store with a stranger's file alone, and actors of (name, script, restarts)."""
    actors = tuple(Actor(name, script, restarts) for name, script, restarts in scripts)
    return World({FOREIGN: b"theirs"}, (), actors, faults, overwriting=overwriting)


def exhaust(
    world: World, limit: int = 5_000_000, key: Callable[[World], Any] = World.key
) -> Explored:
    """Every state that any order of steps leads to, checked once as far as checkers can see."""
    seen, checked, outcomes = {hash(key(world))}, set[int](), set[int]()
    todo, ends = [world], 0
    while todo:
        here = todo.pop()
        _check_once(here, checked)
        if not any(actor.alive for actor in here.actors):
            ends += 1
            outcomes.add(hash(here.shown()))
        for after in steps(here):
            known = hash(key(after))
            if known not in seen:
                seen.add(known)
                todo.append(after)
        assert len(seen) < limit, f"more than {limit} states: this is not exhaustive"
    return Explored(len(seen), ends, frozenset(outcomes))


def _check_once(world: World, checked: set[int]) -> None:
    shown = hash(world.shown())
    if shown not in checked:
        checked.add(shown)
        check(world.objects, world.exits)


def walk(world: World, wanted: int, seed: int) -> Explored:
    """At least `wanted` random steps, from the beginning again at every end."""
    rng, checked = random.Random(seed), set[int]()
    done = ends = 0
    while done < wanted:
        here = world
        while choices := list(steps(here)):
            # Faults outnumber plain steps; unweighted, all would strike in the first moments.
            plain = [after for after in choices if after.faults_left == here.faults_left]
            here = rng.choice(plain if plain and rng.random() > _FAULT_SHARE else choices)
            _check_once(here, checked)
            done += 1
        ends += 1
    return Explored(done, ends)
