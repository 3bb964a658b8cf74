"""Pages of one party at a time, so that nobody keeps all others waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from batchprocess_operator.page.access.gate import TooOften

AT_ONCE = 3
"""Pages of one party under way."""
MAX_PLACES = 16
"""Pages of one party under way and waiting, of all that there are places for."""


@dataclass
class _Line:
    there: int = 0
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


class Turns:
    """Rates are counted by token, of which whoever may make one may make hundreds.

    A party is one of `Person.party`. A rate for it would end those who share an account for good
    reasons; in a line they wait for one another.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    @asynccontextmanager
    async def turn(self, party: str) -> AsyncIterator[None]:
        """While the block runs it is one of theirs. Raises TooOften where too many wait."""
        line = self._lines.setdefault(party, _Line())
        if line.there >= MAX_PLACES:
            raise TooOften(1)
        line.there += 1
        try:
            async with line.turns:
                yield
        finally:
            line.there -= 1
            if not line.there:
                del self._lines[party]
