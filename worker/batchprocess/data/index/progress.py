"""How far an index is: bytes of all, said about once a second while it comes further."""

import threading
import time
from collections.abc import Callable

Tell = Callable[[int, int], None]
"""Is told bytes that were looked through, and of how many; 0 of 0 while objects are listed."""
_EVERY_SECONDS = 1.0


def tell_nobody(_done: int, _total: int) -> None:
    """Where nobody waits."""


class Progress:
    """Told of by many threads."""

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._clock = tell, clock
        self._lock = threading.Lock()
        self._done = self._total = 0
        self._said = clock()

    @property
    def total(self) -> int:
        """Bytes of all objects, once they are known."""
        return self._total

    def begin(self, total: int) -> None:
        """Objects of so many bytes are known from now on."""
        with self._lock:
            self._done, self._total = 0, total
        self.add(0)

    def add(self, size: int) -> None:
        """So many bytes more; 0 for a sign of life."""
        with self._lock:
            self._done += size
            if self._clock() - self._said < _EVERY_SECONDS:
                return
            self._said = self._clock()
            # What is read twice, for its quotes are unusual, counts once.
            self._tell(min(self._done, self._total), self._total)
