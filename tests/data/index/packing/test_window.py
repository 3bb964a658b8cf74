"""Spans of a packed file: right in any order, and its head is unpacked once if they go forwards."""

import pickle
import random

import pytest

from batchprocess.data.index.packing import unpacked
from batchprocess.data.index.packing.unpacked import Packed, Point, Unpacked
from batchprocess.data.index.packing.window import LastWindow, Window
from batchprocess.protocol.errors import InputChanged, StorageUnavailable
from data.index.packing.test_decoders import KINDS, PACK

CONTENT = random.Random(1).randbytes(60_000)


class Counted:
    """A file of some members that counts the bytes that are read of it."""

    def __init__(self, kind: str, members: int) -> None:
        size = len(CONTENT) // members
        parts = [CONTENT[at : at + size] for at in range(0, len(CONTENT), size)]
        self.packed, self.bytes = b"".join(map(PACK[kind], parts)), 0
        self.file = Packed("a", kind, len(self.packed), self.read)
        stream = Unpacked(self.file, Point())
        assert b"".join(stream) == CONTENT
        self.points, self.bytes = stream.points, 0

    def read(self, start: int, stop: int) -> bytes:
        self.bytes += stop - start
        return self.packed[start:stop]

    def window(self) -> Window:
        def before(offset: int) -> Point:
            return max(point for point in self.points if point.unpacked <= offset)

        return Window(self.file, before)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "_POINT_BYTES", 1000)
    monkeypatch.setattr(unpacked, "_CHUNK", 500)


@KINDS
@pytest.mark.parametrize("members", [1, 20])
def test_any_span_is_what_stands_there(kind: str, members: int) -> None:
    window, drawn = Counted(kind, members).window(), random.Random(2)
    for _ in range(60):
        start = drawn.randrange(len(CONTENT))
        stop = min(start + drawn.choice([0, 1, 700, 9000]), len(CONTENT))
        assert window.read(start, stop) == CONTENT[start:stop]


@KINDS
@pytest.mark.parametrize("members", [1, 20])
def test_spans_are_right_after_a_read_that_has_failed(
    kind: str, members: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, drawn = Counted(kind, members), random.Random(3)

    def read(start: int, stop: int) -> bytes:
        if drawn.random() < 0.1:
            raise StorageUnavailable("for a while")
        return counted.packed[start:stop]

    monkeypatch.setattr(counted, "file", counted.file._replace(read=read))
    window, failed = counted.window(), 0
    for start in range(0, len(CONTENT) - 3000, 300):
        try:
            assert window.read(start, start + 3000) == CONTENT[start : start + 3000]
        except StorageUnavailable:
            failed += 1
    assert failed > 5


@KINDS
def test_spans_that_go_forwards_and_overlap_read_each_byte_once(kind: str) -> None:
    counted = Counted(kind, 1)
    window = counted.window()
    for start in range(0, len(CONTENT) - 3000, 1000):
        assert window.read(start, start + 3000) == CONTENT[start : start + 3000]
    assert counted.bytes <= len(counted.packed)


@KINDS
def test_a_span_behind_a_members_begin_reads_nothing_before_it(kind: str) -> None:
    counted = Counted(kind, 20)
    assert counted.window().read(50_000, 50_100) == CONTENT[50_000:50_100]
    assert counted.bytes <= len(counted.packed) // 10


def test_a_file_that_has_become_shorter_is_told() -> None:
    with pytest.raises(InputChanged, match="becomes fewer bytes"):
        Counted("gzip", 1).window().read(0, len(CONTENT) + 1)


def test_a_file_keeps_its_window_until_another_is_read_or_it_is_copied() -> None:
    counted, last = Counted("gzip", 1), LastWindow()

    def of(number: int) -> Window:
        return last.of(counted.file, number, lambda _: Point())

    one = of(1)
    assert of(1) is one
    assert of(2) is not one
    assert pickle.loads(pickle.dumps(last)).of(counted.file, 2, Point) is not of(2)
