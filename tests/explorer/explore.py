"""Walking the states: all of them, deduplicated, or seeded at random."""

import random
from dataclasses import dataclass

from explorer.checkers import check
from explorer.world import Actor, Script, World, steps

_FAULT_SHARE = 0.2


@dataclass(frozen=True)
class Explored:
    """How much was seen; an explorer that sees nothing finds nothing."""

    states: int
    ends: int


def begin(*scripts: tuple[str, Script, int], faults: int, overwriting: bool = False) -> World:
    """An empty store, and actors of (name, script, restarts)."""
    actors = tuple(Actor(name, script, restarts) for name, script, restarts in scripts)
    return World({}, (), actors, faults, overwriting=overwriting)


def exhaust(world: World, limit: int = 5_000_000) -> Explored:
    """Every state that any order of steps leads to; each is checked once."""
    seen = {hash(world.key())}
    todo, ends = [world], 0
    while todo:
        here = todo.pop()
        check(here.objects, here.exits)
        ends += not any(actor.alive for actor in here.actors)
        for after in steps(here):
            known = hash(after.key())
            if known not in seen:
                seen.add(known)
                todo.append(after)
        assert len(seen) < limit, f"more than {limit} states: this is not exhaustive"
    return Explored(len(seen), ends)


def walk(world: World, wanted: int, seed: int) -> Explored:
    """At least `wanted` random steps, from the beginning again at every end."""
    rng = random.Random(seed)
    done = ends = 0
    while done < wanted:
        here = world
        while choices := list(steps(here)):
            # Faults outnumber plain steps; unweighted, all would strike in the first moments.
            plain = [after for after in choices if after.faults_left == here.faults_left]
            here = rng.choice(plain if plain and rng.random() > _FAULT_SHARE else choices)
            check(here.objects, here.exits)
            done += 1
        ends += 1
    return Explored(done, ends)
