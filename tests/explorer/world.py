"""A model of storage and of everything that a network may do to a request."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from batchprocess.ledger.effects import (
    Create,
    CreateReply,
    Delete,
    Digest,
    Effect,
    Folders,
    Get,
    GetMany,
    ListSizes,
    Put,
    Sizes,
    Stage,
    Staged,
    Sync,
    Upload,
)
from batchprocess.protocol.records import digest
from explorer.memory import memory_of

Script = Callable[[str, int], Any]
"""Actor name and number of the start -> a generator of effects that returns an exit code."""

Request = tuple[str, str, bytes]
"""A write that may still land: kind (`create` or `put`), key, body."""


@dataclass(frozen=True)
class Standing:
    """Where a flow stands: the effect that it waits for, or its exit code; and what it remembers.

    Two histories that end in one memory have one future.
    """

    effect: Effect | None
    code: int | None
    memory: int


@dataclass(frozen=True)
class Actor:
    """One process slot: which start it is at, and all that it was told since."""

    name: str
    script: Script = field(compare=False)
    starts_left: int
    start: int = 0
    alive: bool = True
    replies: tuple[Any, ...] = ()
    history: int = 0

    def resume(self, known: dict[Any, "Standing"]) -> "Standing":
        """Where it stands after these replies; `known` saves replaying what was replayed before."""
        key = (self.name, self.start, self.history)
        if key not in known:
            known[key] = self._replay()
        return known[key]

    def _replay(self) -> "Standing":
        """Generators can't be copied, so that each is played from its beginning."""
        flow = self.script(self.name, self.start)
        try:
            effect = _sent(flow, None)
            for reply in self.replies:
                effect = _sent(flow, reply)
        except StopIteration as done:
            return Standing(None, done.value, hash(("ended", done.value)))
        return Standing(effect, None, hash(memory_of(flow)))

    def told(self, reply: Any) -> "Actor":
        """After one more reply."""
        history = hash((self.history, _hashable(reply)))
        return replace(self, replies=(*self.replies, reply), history=history)

    def ended(self) -> "Actor":
        """Never to move again."""
        return replace(self, alive=False, replies=(), history=0)

    def crashed(self) -> "Actor":
        """Dead, or started anew with a fresh identity."""
        if self.starts_left == 0:
            return self.ended()
        left = self.starts_left - 1
        return replace(self, start=self.start + 1, starts_left=left, replies=(), history=0)


def _sent(flow: Any, reply: Any) -> Effect:
    """The next effect that this model can see: of what it shows, nothing is lost."""
    effect = flow.send(reply)
    while isinstance(effect, Sync):
        effect = flow.send(None)
    return effect


def _hashable(reply: Any) -> Any:
    if isinstance(reply, dict):
        return frozenset(reply.items())
    return tuple(reply) if isinstance(reply, list) else reply


@dataclass(frozen=True)
class World:
    """Everything there is. Immutable, so that every choice branches from the same state."""

    objects: Mapping[str, bytes]
    flying: tuple[Request, ...]
    actors: tuple[Actor, ...]
    faults_left: int
    exits: tuple[tuple[str, int, int], ...] = ()
    overwriting: bool = False
    known: dict[Any, Standing] = field(default_factory=dict, compare=False)

    def key(self) -> tuple[Any, ...]:
        """What makes two states the same."""
        return self._key(lambda actor: actor.resume(self.known).memory)

    def history_key(self) -> tuple[Any, ...]:
        """As `key`, but tells apart actors that remember the same and have come there otherwise."""
        return self._key(lambda actor: actor.history)

    def _key(self, inside: Callable[[Actor], int]) -> tuple[Any, ...]:
        actors = tuple((a.start, a.starts_left, a.alive and inside(a)) for a in self.actors)
        return (self.shown(), self.flying, actors, self.faults_left)

    def shown(self) -> tuple[Any, ...]:
        """What checkers look at."""
        return (frozenset(self.objects.items()), self.exits)

    def land(self, request: Request) -> "World":
        """A request reaches the store."""
        kind, key, body = request
        if kind == "create" and key in self.objects and not self.overwriting:
            return self
        return replace(self, objects={**self.objects, key: body})


def steps(world: World) -> Iterator[World]:
    """Every next state: an actor moves, a request lands late, or something goes wrong."""
    for number, request in enumerate(world.flying):
        rest = world.flying[:number] + world.flying[number + 1 :]
        yield replace(world.land(request), flying=rest)
    for number, actor in enumerate(world.actors):
        if actor.alive:
            yield from _moves(world, number, actor)


def _moves(world: World, number: int, actor: Actor) -> Iterator[World]:
    standing = actor.resume(world.known)
    effect, code = standing.effect, standing.code
    if effect is None:
        exits = (*world.exits, (actor.name, actor.start, -1 if code is None else code))
        yield _with(replace(world, exits=exits), number, actor.ended())
        return
    yield from _answered(world, number, actor, effect)
    if world.faults_left:
        faulty = replace(world, faults_left=world.faults_left - 1)
        yield from _faults(faulty, number, actor, effect)


def _answered(world: World, number: int, actor: Actor, effect: Effect) -> Iterator[World]:
    after, reply = apply(world, effect)
    yield _with(after, number, actor.told(reply))


def _faults(world: World, number: int, actor: Actor, effect: Effect) -> Iterator[World]:
    after, reply = apply(world, effect)
    flying = replace(world, flying=tuple(sorted((*world.flying, *_requests(effect)))))
    twin = replace(after, flying=tuple(sorted((*after.flying, *_requests(effect)))))
    dead = actor.crashed()
    yield _with(world, number, dead)
    if not _requests(effect):
        return
    yield _with(after, number, dead)
    yield _with(flying, number, dead)
    yield _with(twin, number, actor.told(reply))
    if isinstance(effect, Create):
        unknown = actor.told(CreateReply.UNKNOWN)
        yield _with(after, number, unknown)
        yield _with(world, number, unknown)
        yield _with(flying, number, unknown)


def apply(world: World, effect: Effect) -> tuple[World, Any]:
    """The effect done at once, and its true reply."""
    match effect:
        case Delete(keys):
            kept = {k: v for k, v in world.objects.items() if k not in keys}
            return replace(world, objects=kept), []
        case Create(key):
            lost = key in world.objects and not world.overwriting
            reply = CreateReply.EXISTS if lost else CreateReply.CREATED
            return world.land(_requests(effect)[0]), reply
    requests = _requests(effect)
    for request in requests:
        world = world.land(request)
    return world, None if requests else _look(world.objects, effect)


def _look(objects: Mapping[str, bytes], effect: Effect) -> Any:
    """The reply to an effect that changes nothing."""
    match effect:
        case Get(key):
            return objects.get(key)
        case GetMany(keys):
            return [objects.get(key) for key in keys]
        case Digest(key):
            return None if key not in objects else digest(objects[key])
        case ListSizes(prefix):
            return {k: len(v) for k, v in objects.items() if k.startswith(prefix)}
        case Folders(prefix):
            below = {k.removeprefix(prefix) for k in objects if k.startswith(prefix)}
            return tuple(sorted({k.split("/")[0] for k in below if "/" in k}))
        case Sizes(keys):
            return [_size(objects.get(key)) for key in keys]
        case Stage(chunks):
            body = b"".join(chunks())
            return Staged(body, len(body), digest(body))
    return None


def _size(body: bytes | None) -> int | None:
    return None if body is None else len(body)


def _requests(effect: Effect) -> tuple[Request, ...]:
    match effect:
        case Create(key, body):
            return (("create", key, body),)
        case Put(key, body):
            return (("put", key, body),)
        case Upload(items):
            return tuple(("put", key, staged.source) for key, staged in items)
    return ()


def _with(world: World, number: int, actor: Actor) -> World:
    actors = (*world.actors[:number], actor, *world.actors[number + 1 :])
    return replace(world, actors=actors)
