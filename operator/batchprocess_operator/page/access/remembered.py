"""Answers that are asked for once in a while, however many want them."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Asked(Generic[V]):
    at: float
    task: "asyncio.Task[V]"


class Remembered(Generic[K, V]):
    """At most `most` answers, each for `seconds` from when it was asked for. `clock` in seconds.

    Of several that want the same at once, one asks. Errors are not remembered.
    """

    def __init__(self, clock: Callable[[], float], seconds: float, most: int) -> None:
        self._clock, self._seconds, self._most = clock, seconds, most
        self._known: OrderedDict[K, _Asked[V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def has(self, key: K) -> bool:
        """Whether the answer is known, or on its way."""
        known = self._known.get(key)
        return known is not None and self._clock() - known.at < self._seconds

    def latest(self, key: K) -> tuple[float, V] | None:
        """When it was asked for last, and the answer, though it holds no more; None if unknown."""
        known = self._known.get(key)
        if known is None or not known.task.done() or known.task.cancelled():
            return None
        return None if known.task.exception() is not None else (known.at, known.task.result())

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """The answer; raises what `ask` raises."""
        known = self._known.get(key)
        if known is None or not self.has(key):
            known = _Asked(self._clock(), asyncio.ensure_future(_as_coroutine(ask)))
            self._known[key] = known
            self._known.move_to_end(key)
            known.task.add_done_callback(lambda _: self._forget_failed(key))
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        # Who asked first may leave; the others still want to know.
        return await asyncio.shield(known.task)

    def _forget_failed(self, key: K) -> None:
        known = self._known.get(key)
        if known is None or not known.task.done():
            return
        if known.task.cancelled() or known.task.exception() is not None:
            del self._known[key]


async def _as_coroutine(ask: Callable[[], Awaitable[V]]) -> V:
    return await ask()
