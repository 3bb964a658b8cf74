"""Leaving a destination alone that does not take messages: one try now and then. Pure."""

from collections.abc import Callable

from batchprocess.backoff import Backoff

_BACKOFF = Backoff(first=1.0, most=60.0)


class Breaker:
    """Of one destination. `draw` gives a number in [0, 1); `longest`: seconds that a try takes."""

    def __init__(self, draw: Callable[[], float], longest: float) -> None:
        self._draw, self._longest = draw, longest
        self._failures, self._until = 0, 0.0

    def wait(self, now: float) -> float:
        """Seconds to wait; with 0 the caller has to try, and nobody else may until it has."""
        if now < self._until:
            return self._until - now
        if self._failures:
            self._until = now + self._longest
        return 0.0

    def left(self) -> None:
        """Who had to try has nothing to send: the next may at once."""
        self._until = 0.0

    def succeeded(self) -> None:
        """It takes messages."""
        self._failures, self._until = 0, 0.0

    def failed(self, now: float, retry_after: float) -> None:
        """It does not, and has asked to be left alone for `retry_after` seconds."""
        self._failures += 1
        seconds = _BACKOFF.seconds(self._failures)
        wait = max(seconds / 2 + _BACKOFF.jittered(self._failures, self._draw) / 2, retry_after)
        self._until = now + wait
