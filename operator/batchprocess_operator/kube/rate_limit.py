"""A token bucket: the API server has other guests (the client has no limit)."""

import asyncio
from collections.abc import Callable


class RateLimit:
    """At most `rate` requests a second, with bursts of `burst`. One event loop only."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._at = float(burst), clock()

    async def wait(self) -> None:
        """Until it is our turn. Turns are given in the order of asking."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / self._rate)
