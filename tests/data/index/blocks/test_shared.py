"""Attempts share the blocks out among them, and take over what a dead one has begun."""

from collections.abc import Callable
from pathlib import Path

import pytest

from batchprocess.data.index.blocks.kept import Counted, Kept, KeptInRun, KeptNowhere
from batchprocess.data.index.blocks.shared import BEAT_SECONDS, WAIT_SECONDS, Beats, SharedBlocks
from batchprocess.protocol.inputs.blocks import BlockCount
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.local import LocalStorage

ALL = [BlockCount(rows=number) for number in range(6)]


class FakeAttempt:
    """Counts blocks by number, and has a clock that goes on while it sleeps and counts."""

    def __init__(
        self, kept: Kept, blocks: int = 6, seconds: float = 1.0, lanes: int = 1, at: float = 0.0
    ) -> None:
        self.seconds, self.now = seconds, at
        self.counted: list[int] = []
        self.stored: list[int] = []
        self.others: list[int] = []
        self.waited = 0
        self.kept = kept
        self.shared = SharedBlocks(
            blocks, kept, self, lanes=lanes, clock=lambda: self.now, sleep=self.sleep
        )

    def count(self, number: int, alive: Callable[[], None]) -> Counted:
        self.now += self.seconds
        alive()
        self.counted.append(number)
        return counted(number)

    def store(self, number: int, part: bytes) -> None:
        assert part == counted(number).part
        self.stored.append(number)

    def found(self, number: int) -> None:
        self.others.append(number)

    def waiting(self) -> None:
        self.waited += 1

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def counted(number: int) -> Counted:
    return Counted(ALL[number], f"part {number}".encode())


def kept(run: Path, me: str, *, announces: bool = True) -> KeptInRun:
    storage = LocalStorage(run)
    return KeptInRun(storage, ATTENDED, "5" * 32, "text-2", me, announces=announces)


@pytest.mark.parametrize("lanes", [1, 4])
def test_an_attempt_begins_at_its_share_and_counts_what_nobody_has(
    tmp_path: Path, lanes: int
) -> None:
    one = FakeAttempt(kept(tmp_path, "one"), lanes=lanes)
    one.kept.keep(5, counted(5))
    assert one.shared.all_counts(4) == ALL
    assert sorted(one.counted) == sorted(one.stored) == [0, 1, 2, 3, 4]
    assert lanes > 1 or one.counted == [4, 0, 1, 2, 3]
    assert one.others == [5]


def test_one_that_comes_later_finds_all_by_one_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeAttempt(kept(tmp_path, "one")).shared.all_counts(0)
    two = FakeAttempt(kept(tmp_path, "two"))
    monkeypatch.setattr(two.kept, "counts", None)  # it is not called
    assert two.shared.all_counts(0) == ALL
    assert (two.counted, two.stored, sorted(two.others)) == ([], [], list(range(6)))


@pytest.mark.parametrize("shares", [(0, 3), (0, 0), (5, 4)])
def test_two_at_a_time_count_each_block_once(tmp_path: Path, shares: tuple[int, int]) -> None:
    other = FakeAttempt(kept(tmp_path, "other"))

    class FakeRival(FakeAttempt):
        """The other attempt counts all that it can while this one is at its second block."""

        def count(self, number: int, alive: Callable[[], None]) -> Counted:
            if len(self.counted) == 1:
                other.kept.begin(number, 9)  # nobody's turn: it changes nothing
                rest = [n for n in range(6) if n not in (*self.counted, number)]
                for one in rest:
                    if other.kept.begin(one, 0):
                        other.kept.keep(one, other.count(one, lambda: None))
            return super().count(number, alive)

    rival = FakeRival(kept(tmp_path, "rival"))
    assert rival.shared.all_counts(shares[0]) == ALL
    assert sorted(rival.counted + other.counted) == list(range(6))


def test_what_a_dead_attempt_has_begun_is_taken_over_by_one(tmp_path: Path) -> None:
    dead = kept(tmp_path, "dead")
    assert dead.begin(2, 0)
    assert dead.begin(2, 1)  # it had waited for another, and died too
    one = FakeAttempt(kept(tmp_path, "one"))
    assert one.shared.all_counts(0) == ALL
    assert one.counted == [0, 1, 3, 4, 5, 2]
    assert one.now >= WAIT_SECONDS
    assert one.waited == 0
    assert not dead.begin(2, 2)


def test_who_says_that_he_still_counts_is_waited_for(tmp_path: Path) -> None:
    slow = kept(tmp_path, "slow")
    assert slow.begin(5, 0)

    class FakeWaiting(FakeAttempt):
        """Sees a sign of life of the other for two minutes, then what he has counted."""

        def sleep(self, seconds: float) -> None:
            before, now = (int(at // BEAT_SECONDS) for at in (self.now, self.now + seconds))
            super().sleep(seconds)
            if self.now > 120:
                slow.keep(5, counted(5))
            elif now > before:
                slow.beat(5, 0, now)

    one = FakeWaiting(kept(tmp_path, "one"))
    one.shared._kept.beat(5, 0, 1)
    assert one.shared.all_counts(0) == ALL
    assert one.counted == [0, 1, 2, 3, 4]
    assert one.waited > 3


def test_who_falls_silent_in_the_middle_is_taken_for_dead(tmp_path: Path) -> None:
    dead = kept(tmp_path, "dead")
    assert dead.begin(5, 0)
    for beat in range(1, 4):
        dead.beat(5, 0, beat)
    one = FakeAttempt(kept(tmp_path, "one"))
    assert one.shared.all_counts(0) == ALL
    assert one.counted[-1] == 5
    assert 2 * WAIT_SECONDS <= one.now <= 3 * WAIT_SECONDS


def test_a_block_that_takes_long_is_said_to_be_counted_as_long_as_bytes_come() -> None:
    times, said = iter([0.0, 1.0, 6.0, 6.0, 7.0, 10.0, 12.0, 12.0, 40.0, 40.0]), list[int]()
    beats = Beats(said.append, lambda: next(times))
    for _ in range(6):
        beats.alive()
    assert said == [1, 2, 3]


def test_outside_of_a_run_all_is_counted() -> None:
    one = FakeAttempt(KeptNowhere())
    assert one.shared.all_counts(0) == ALL
    assert one.counted == list(range(6))


def test_little_is_not_announced(tmp_path: Path) -> None:
    one = FakeAttempt(kept(tmp_path, "one", announces=False), blocks=1)
    assert kept(tmp_path, "dead").begin(0, 0)
    assert one.shared.all_counts(0) == ALL[:1]
    assert one.now == one.seconds
