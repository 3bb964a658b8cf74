"""The API server's time, as its answers tell it: by it objects are created and begun.

Ages that came from two clocks would fail young jobs where an operator's own is ahead.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class ServerClock:
    """`clock` gives seconds that only grow, `local` our own time, good until the first answer."""

    def __init__(self, clock: Callable[[], float], local: Callable[[], datetime]) -> None:
        self.clock = clock
        self._offset = local().timestamp() - clock()

    def now(self) -> datetime:
        """In whole seconds, as Kubernetes writes its times."""
        return datetime.fromtimestamp(int(self.clock() + self._offset), UTC)

    def answered(self, date: str | None, asked: float) -> None:
        """Take in an answer's Date, of a request that was sent at `asked` by `clock`.

        It was written in between, in whole seconds: more than that it does not tell.
        """
        try:
            told = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, OverflowError):
            return  # none, or no date: what was known still holds
        least, most = told - self.clock(), told + 1 - asked
        self._offset = min(max(self._offset, least), most)
