"""Which blocks an attempt counts, so that all attempts together count each about once."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from batchprocess.data.index.blocks.kept import Kept

MIN_WAIT_SECONDS = 5.0
"""For somebody who has begun with a block, before he is taken for dead."""
_POLL_SECONDS = 0.5


@dataclass
class _Awaited:
    turn: int
    """The next one."""
    until: float


class SharedBlocks:
    """All parts of `blocks` blocks. `count` makes one; `found` is told of each that is there.

    An attempt begins with the block `first`, goes on behind it, and leaves out what others have
    counted or have begun to. Whoever had begun is waited for at the end: twice as long as a block
    has taken here.
    """

    def __init__(
        self,
        blocks: int,
        kept: Kept,
        count: Callable[[int], bytes],
        found: Callable[[int], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._blocks, self._kept, self._count, self._found = blocks, kept, count, found
        self._clock, self._sleep = clock, sleep
        self._wait = MIN_WAIT_SECONDS
        self._parts: dict[int, bytes] = {}

    def all_parts(self, first: int) -> list[bytes]:
        """In the order of blocks."""
        known = self._kept.read_all(range(self._blocks))
        for number, part in enumerate(known):
            self._add(number, part)
        awaited: dict[int, _Awaited] = {}
        for step in range(self._blocks):
            number = (first + step) % self._blocks
            if number not in self._parts and not self._look(number):
                if self._kept.begin(number, 0):
                    self._make(number)
                else:
                    turns = self._kept.turns(number)
                    awaited[number] = _Awaited(turns, self._clock() + self._wait)
        while awaited:
            awaited = {n: one for n, one in awaited.items() if not self._is_there(n, one)}
            if awaited:
                self._sleep(_POLL_SECONDS)
        return [self._parts[number] for number in range(self._blocks)]

    def _is_there(self, number: int, one: _Awaited) -> bool:
        if self._look(number):
            return True
        if self._clock() < one.until:
            return False
        if self._kept.begin(number, one.turn):
            self._make(number)
            return True
        one.turn, one.until = one.turn + 1, self._clock() + self._wait
        return False

    def _look(self, number: int) -> bool:
        (part,) = self._kept.read_all([number])
        self._add(number, part)
        return part is not None

    def _add(self, number: int, part: bytes | None) -> None:
        if part is not None:
            self._parts[number] = part
            self._found(number)

    def _make(self, number: int) -> None:
        began = self._clock()
        self._parts[number] = self._count(number)
        self._kept.keep(number, self._parts[number])
        self._wait = max(MIN_WAIT_SECONDS, 2 * (self._clock() - began))
