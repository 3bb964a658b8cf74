"""Attempts share the blocks out among them, and take over what a dead one has begun."""

from pathlib import Path

import pytest

from batchprocess.data.index.blocks.kept import Kept, KeptInRun, KeptNowhere
from batchprocess.data.index.blocks.shared import MIN_WAIT_SECONDS, SharedBlocks
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.local import LocalStorage


class FakeAttempt:
    """Counts blocks by name, and has a clock that goes on while it sleeps and counts."""

    def __init__(self, name: str, kept: Kept, blocks: int = 6, seconds: float = 1.0) -> None:
        self.name, self.seconds, self.now = name, seconds, 0.0
        self.counted: list[int] = []
        self.found: list[int] = []
        self.shared = SharedBlocks(
            blocks, kept, self.count, self.found.append, clock=lambda: self.now, sleep=self.sleep
        )

    def count(self, number: int) -> bytes:
        self.now += self.seconds
        self.counted.append(number)
        return f"part {number}".encode()

    def sleep(self, seconds: float) -> None:
        self.now += seconds


ALL = [f"part {number}".encode() for number in range(6)]


def kept(run: Path, me: str, *, announces: bool = True) -> KeptInRun:
    storage = LocalStorage(run)
    return KeptInRun(storage, ATTENDED, "5" * 32, "text-1", me, announces=announces)


def test_an_attempt_begins_at_its_share_and_counts_what_nobody_has(tmp_path: Path) -> None:
    one = FakeAttempt("one", kept(tmp_path, "one"))
    one.shared._kept.keep(5, ALL[5])
    assert one.shared.all_parts(4) == ALL
    assert one.counted == [4, 0, 1, 2, 3]
    assert one.found == [5]
    two = FakeAttempt("two", kept(tmp_path, "two"))
    assert two.shared.all_parts(0) == ALL
    assert (two.counted, sorted(two.found)) == ([], list(range(6)))


@pytest.mark.parametrize("shares", [(0, 3), (0, 0), (5, 4)])
def test_two_at_a_time_count_each_block_once(tmp_path: Path, shares: tuple[int, int]) -> None:
    other = FakeAttempt("other", kept(tmp_path, "other"))

    class FakeRival(FakeAttempt):
        """The other attempt counts all that it can while this one is at its second block."""

        def count(self, number: int) -> bytes:
            if len(self.counted) == 1:
                other.shared._kept.begin(number, 9)  # nobody's turn: it changes nothing
                rest = [n for n in range(6) if n not in (*self.counted, number)]
                for one in rest:
                    if other.shared._kept.begin(one, 0):
                        other.shared._kept.keep(one, other.count(one))
            return super().count(number)

    rival = FakeRival("rival", kept(tmp_path, "rival"))
    assert rival.shared.all_parts(shares[0]) == ALL
    assert sorted(rival.counted + other.counted) == list(range(6))


def test_what_a_dead_attempt_has_begun_is_taken_over_by_one(tmp_path: Path) -> None:
    dead = kept(tmp_path, "dead")
    assert dead.begin(2, 0)
    assert dead.begin(2, 1)  # it had waited for another, and died too
    one = FakeAttempt("one", kept(tmp_path, "one"))
    assert one.shared.all_parts(0) == ALL
    assert one.counted == [0, 1, 3, 4, 5, 2]
    assert one.now >= MIN_WAIT_SECONDS
    assert not dead.begin(2, 2)


def test_who_is_slow_is_waited_for_twice_as_long_as_a_block_takes_here(tmp_path: Path) -> None:
    assert kept(tmp_path, "dead").begin(5, 0)
    one = FakeAttempt("one", kept(tmp_path, "one"), seconds=60)
    one.shared.all_parts(0)
    assert one.now >= 5 * 60 + 2 * 60


def test_outside_of_a_run_all_is_counted() -> None:
    one = FakeAttempt("one", KeptNowhere())
    assert one.shared.all_parts(0) == ALL
    assert one.counted == list(range(6))


def test_little_is_not_announced(tmp_path: Path) -> None:
    one = FakeAttempt("one", kept(tmp_path, "one", announces=False), blocks=1)
    assert kept(tmp_path, "dead").begin(0, 0)
    assert one.shared.all_parts(0) == ALL[:1]
    assert one.now == one.seconds
