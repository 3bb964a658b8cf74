"""Keys that are to be reconciled, each once at a time and not before it is due."""

import asyncio
import heapq
from collections.abc import Callable

_SPARE = 64


class WorkQueue:
    """A key that is added twice is handed out once, and never twice at a time.

    One that is added while it is being worked on is handed out again afterwards. One event loop
    only. `clock` is the loop's, in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._busy: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._changed = asyncio.Event()

    def add(self, key: str, after: float = 0.0) -> None:
        """Have `key` handed out in `after` seconds, or earlier if it is due earlier already."""
        due = max(self._clock() + after, self._not_before.get(key, 0.0))
        if due < self._due.get(key, float("inf")):
            self._push(key, due)

    async def next_key(self) -> str:
        """The next due key; `done` must follow."""
        while True:
            key, wait = self._next()
            if key is not None:
                self._busy.add(key)
                return key
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    def done(self, key: str, pause: float = 0.0) -> None:
        """Work on `key` has ended; it is not handed out again before `pause` seconds."""
        self._busy.discard(key)
        self._not_before.pop(key, None)
        if pause > 0:
            self._not_before[key] = self._clock() + pause
        if key in self._due:
            self._push(key, max(self._due[key], self._not_before.get(key, 0.0)))

    def forget(self, key: str) -> None:
        """`key` will not come back."""
        self._not_before.pop(key, None)

    def overdue(self) -> float:
        """Seconds that the oldest waiting key is late; for the liveness probe."""
        waiting = [due for key, due in self._due.items() if key not in self._busy]
        return max(self._clock() - min(waiting, default=self._clock()), 0.0)

    def _push(self, key: str, due: float) -> None:
        self._due[key] = due
        heapq.heappush(self._heap, (due, key))
        self._changed.set()
        if len(self._heap) > 2 * len(self._due) + _SPARE:
            # Entries of a key that came earlier after all stay until their old time, a month maybe.
            self._heap = [(at, one) for one, at in self._due.items()]
            heapq.heapify(self._heap)

    def _next(self) -> tuple[str | None, float | None]:
        """A due key, or how long to wait for one."""
        while self._heap:
            due, key = self._heap[0]
            if self._due.get(key) != due or key in self._busy:
                heapq.heappop(self._heap)  # outdated, or `done` puts it back
                continue
            if due > self._clock():
                return None, due - self._clock()
            heapq.heappop(self._heap)
            del self._due[key]
            return key, None
        return None, None
