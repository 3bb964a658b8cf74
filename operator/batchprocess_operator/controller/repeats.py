"""What was done and is wanted again, for somebody undoes it: done ever more seldom, and told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from batchprocess.backoff import Backoff
from batchprocess_operator.model.names import MADE
from batchprocess_operator.model.plan import Action, CreateJob, PatchJob

PAUSES = Backoff(first=1.0, most=300.0)
TOLD_SECONDS = 60.0
"""For so long something must stand as we want it, until nobody is said to undo it any more."""
_FORGET_SECONDS = 900.0
_MANY = 10
"""Times after which the pause is as long as it gets."""
MAX_KEPT = 2_000


class _Key(NamedTuple):
    """An object, by name and UID, and a field of its spec or what else was done to it."""

    name: str
    uid: str
    what: str


@dataclass(frozen=True, slots=True)
class _Done:
    value: object
    times: int
    at: float

    @property
    def due(self) -> float:
        return self.at + PAUSES.seconds(self.times)


@dataclass
class Repeats:
    """Of one job; `now` in seconds of one clock. Lost with the process, which costs a try.

    `contested`: until when what is done for the first time counts as done many times, because the
    job's status says that somebody has undone it before this process began.
    """

    contested: float = float("-inf")
    _done: dict[_Key, _Done] = field(default_factory=dict)
    _waiting: set[_Key] = field(default_factory=set)

    def due(self, actions: Iterable[Action], now: float) -> list[Action]:
        """What of `actions`, all that is wanted, is not to wait."""
        self._forget(now)
        self._waiting = set()
        parts = (self._due_part(one, now) for one in actions)
        return [part for part in parts if part is not None]

    def done(self, action: Action, now: float) -> None:
        """It was done."""
        for key, value in _parts(action).items():
            before = self._done.pop(key, None)
            times = _MANY if now < self.contested else 1
            if before is not None and before.value == value:
                times = before.times + 1
            self._done[key] = _Done(value, times, now)
            self._waiting.discard(key)

    def undone(self, now: float) -> dict[str, tuple[str, ...]]:
        """Name of a child -> what somebody undoes: fields of its spec, or MADE."""
        found: dict[str, list[str]] = {}
        for key, one in self._done.items():
            # Once by hand is no fight.
            lately = one.times > 2 and now - one.at < TOLD_SECONDS
            waiting = one.times > 1 and key in self._waiting
            if key.what and (lately or waiting):
                found.setdefault(key.name, []).append(key.what)
        return {name: tuple(sorted(fields)) for name, fields in found.items()}

    def wait(self, now: float) -> float | None:
        """Seconds until more is due, or somebody is said to undo it no more; None: never."""
        ends = [self._done[key].due for key in self._waiting]
        ends += [one.at + TOLD_SECONDS for one in self._done.values() if one.times > 2]
        return min((end - now for end in ends if end > now), default=None)

    def _due_part(self, action: Action, now: float) -> Action | None:
        late = {key for key, value in _parts(action).items() if self._must_wait(key, value, now)}
        self._waiting |= late
        if isinstance(action, PatchJob):
            fields = {key.what for key in late}
            rest = {name: to for name, to in action.spec.items() if name not in fields}
            return PatchJob(action.name, action.uid, rest) if rest else None
        return None if late else action

    def _must_wait(self, key: _Key, value: object, now: float) -> bool:
        before = self._done.get(key)
        return before is not None and before.value == value and now < before.due

    def _forget(self, now: float) -> None:
        """Those done longest ago come first."""
        while self._done:
            key = next(iter(self._done))
            if now - self._done[key].at < _FORGET_SECONDS and len(self._done) <= MAX_KEPT:
                break
            del self._done[key]


def _parts(action: Action) -> dict[_Key, object]:
    """What is done, each with what it is to be afterwards."""
    if isinstance(action, PatchJob):
        return {_Key(action.name, action.uid, name): to for name, to in action.spec.items()}
    if isinstance(action, CreateJob):
        return {_Key(action.name, "", MADE): True}
    # Not told, but done as seldom: it is for one pod, or for a child that is on its way out.
    return {_Key(f"{type(action).__name__} {action.name}", action.uid, ""): True}
