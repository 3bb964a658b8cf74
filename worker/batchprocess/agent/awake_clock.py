"""A clock that stands while we do: stopped by a signal, or in a machine that was suspended."""

from collections.abc import Callable

MAX_STEP_SECONDS = 5.0
"""Between two readings of a loop that never waits for as long."""


class AwakeClock:
    """Seconds of `clock` but those in which nobody read it, for it is read twice a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._lost = 0.0

    def __call__(self) -> float:
        """The time now; what is measured by it was not asleep."""
        now = self._clock()
        if now - self._last > MAX_STEP_SECONDS:
            self._lost += now - self._last
        self._last = now
        return now - self._lost
