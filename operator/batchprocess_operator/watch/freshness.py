"""Which version of an object to believe: events and answers come late, and in any order. Pure.

Versions grow, so a smaller one is an older one, and what is deleted has none that is larger. Two
things are stronger. What the API server answers to a question that we asked after we knew a version
is true even if it is smaller: the cluster was restored from a backup. And what a watch shows with a
larger version than it was taken away with is there again: its label was given back.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MAX_BURIED = 20_000
_NEVER = float("inf")


@dataclass(eq=False)
class Reading:
    """A question under way. Of what was `touched` meanwhile its answer may be the older one."""

    touched: set[str] = field(default_factory=set)


class Freshness:
    """By UID. One event loop only."""

    def __init__(self) -> None:
        self._buried: dict[str, float] = {}
        self._open: set[Reading] = set()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Around a question and what is done with its answer."""
        made = Reading()
        self._open.add(made)
        try:
            yield made
        finally:
            self._open.discard(made)

    def admits(self, uid: str, version: int, known: int | None, reading: Reading | None) -> bool:
        """Whether to take this version in place of the `known` one.

        `reading`: the question that it answers, if it does not come from a watch.
        """
        older = version <= self._buried.get(uid, -1) or version < (known or 0)
        if older and (reading is None or uid in reading.touched):
            return False
        self._buried.pop(uid, None)
        self._touch(uid, reading)
        return True

    def is_gone(self, uid: str) -> bool:
        """Whether it was deleted, as far as is known."""
        return uid in self._buried

    def bury(self, uids: Iterable[str], version: float = _NEVER) -> None:
        """They are gone: by an event of that version, or by a listing, until another has them."""
        for uid in uids:
            self._buried.pop(uid, None)
            self._buried[uid] = version
            self._touch(uid)
        while len(self._buried) > MAX_BURIED:
            self._buried.pop(next(iter(self._buried)))

    def _touch(self, uid: str, by: Reading | None = None) -> None:
        for reading in self._open:
            if reading is not by:
                reading.touched.add(uid)
