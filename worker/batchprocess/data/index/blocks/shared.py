"""Which blocks an attempt counts, so that all attempts together count each about once."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from batchprocess.data.index.blocks.kept import Counted, Kept
from batchprocess.protocol.inputs.blocks import BlockCount
from batchprocess.runs.parallel import Threads

WAIT_SECONDS, BEAT_SECONDS = 15.0, 5.0
"""Who has begun a block says so again now and then; who is silent for longer is taken for dead."""
_POLL_SECONDS = 0.5


@dataclass
class _Awaited:
    turn: int
    """The last one that somebody has begun."""
    until: float
    beats: int = 0


class Work(Protocol):
    """What is to be done with blocks; several threads may call it where there are lanes."""

    def count(self, number: int, alive: Callable[[], None]) -> Counted:
        """One block; `alive` is called whenever bytes have come in."""

    def store(self, number: int, part: bytes) -> None:
        """Keep here what was counted here."""

    def found(self, number: int) -> None:
        """Others have counted it."""

    def waiting(self) -> None:
        """Others are seen to count."""


class SharedBlocks:
    """What is counted of all of `blocks` blocks, `lanes` of them at a time.

    An attempt begins with the block `first`, goes on behind it, and leaves out what others have
    counted or have begun to. Whoever had begun is waited for at the end, as long as he says now and
    then that he still counts.
    """

    def __init__(
        self,
        blocks: int,
        kept: Kept,
        work: Work,
        *,
        lanes: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._blocks, self._kept, self._work = blocks, kept, work
        self._lanes, self._clock, self._sleep = lanes, clock, sleep
        self._counts: dict[int, BlockCount] = {}

    def all_counts(self, first: int) -> list[BlockCount]:
        """In the order of blocks."""
        known = self._kept.all_counts()
        if known is not None and len(known) == self._blocks:
            for number in range(self._blocks):
                self._work.found(number)
            return known
        for number, one in enumerate(self._kept.counts(range(self._blocks))):
            self._add(number, one)
        self._await(self._count_mine(first))
        counts = [self._counts[number] for number in range(self._blocks)]
        self._kept.keep_all_counts(counts)
        return counts

    def _count_mine(self, first: int) -> dict[int, _Awaited]:
        """Count what nobody has begun. Returns what others have."""
        steps = (partial(self._step, (first + step) % self._blocks) for step in range(self._blocks))
        if self._lanes == 1:
            found = [step() for step in steps]
        else:
            with Threads(self._lanes) as threads:
                found = list(threads.in_order(steps))
        return dict(one for one in found if one is not None)

    def _step(self, number: int) -> tuple[int, _Awaited] | None:
        if number in self._counts or self._look(number):
            return None
        if self._kept.begin(number, 0):
            self._make(number, 0)
            return None
        last = max(self._kept.turns(number) - 1, 0)
        return number, _Awaited(last, self._clock() + WAIT_SECONDS)

    def _await(self, awaited: dict[int, _Awaited]) -> None:
        while awaited:
            awaited = {n: one for n, one in awaited.items() if not self._is_there(n, one)}
            if awaited:
                self._sleep(_POLL_SECONDS)

    def _is_there(self, number: int, one: _Awaited) -> bool:
        if self._look(number):
            return True
        if self._clock() < one.until:
            return False
        beats = self._kept.beats(number, one.turn, one.beats)
        if beats == one.beats:
            one.turn, beats = one.turn + 1, 0
            if self._kept.begin(number, one.turn):
                self._make(number, one.turn)
                return True
        self._work.waiting()
        one.beats, one.until = beats, self._clock() + WAIT_SECONDS
        return False

    def _look(self, number: int) -> bool:
        (found,) = self._kept.counts([number])
        self._add(number, found)
        return found is not None

    def _add(self, number: int, found: BlockCount | None) -> None:
        if found is not None:
            self._counts[number] = found
            self._work.found(number)

    def _make(self, number: int, turn: int) -> None:
        beats = Beats(partial(self._kept.beat, number, turn), self._clock)
        found = self._work.count(number, beats.alive)
        self._work.store(number, found.part)
        self._kept.keep(number, found)
        self._counts[number] = found.known


class Beats:
    """Says now and then that a block is still being counted, as long as bytes come in."""

    def __init__(self, beat: Callable[[int], None], clock: Callable[[], float]) -> None:
        self._beat, self._clock = beat, clock
        self._lock, self._last, self._said = threading.Lock(), clock(), 0

    def alive(self) -> None:
        """To be called by any thread, as often as it comes further."""
        with self._lock:
            if self._clock() - self._last < BEAT_SECONDS:
                return
            self._last, self._said = self._clock(), self._said + 1
            beat = self._said
        self._beat(beat)
