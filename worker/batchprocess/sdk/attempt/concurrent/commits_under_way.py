"""The commit in flight, looked at without waiting: what waits for it would hold the event loop."""

import asyncio
from collections.abc import Callable

from batchprocess.sdk.attempt.interfaces import Commits

POLL_SECONDS = 0.02


class CommitsUnderWay:
    """`longest`: seconds that a commit has taken by now."""

    def __init__(self, commits: Commits, clock: Callable[[], float]) -> None:
        self._commits, self._clock = commits, clock
        self._began: float | None = None
        self.longest = 0.0

    def begin(self) -> None:
        """One is about to be begun."""
        self._began = self._clock()

    @property
    def under_way(self) -> bool:
        """Whether one is."""
        if self._commits.busy:
            return True
        if self._began is not None:
            self.longest = max(self.longest, self._clock() - self._began)
            self._began = None
        return False

    async def until_done(self) -> None:
        """Until none is under way; raises what it has failed with."""
        while self.under_way:
            await asyncio.sleep(POLL_SECONDS)
        self._commits.wait()
