"""A packed file as one stream, and the points in it from which it can be read."""

import gzip
import random

import pytest

from batchprocess.data.index.packing import unpacked
from batchprocess.data.index.packing.unpacked import Packed, Point, Unpacked, together
from batchprocess.protocol.errors import InvalidArgument
from data.index.packing.test_decoders import KINDS, PACK


def packed(kind: str, content: bytes) -> Packed:
    return Packed(f"a.{kind}", kind, len(content), lambda start, stop: content[start:stop])


@KINDS
def test_members_behind_one_another_are_one_file(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacked, "_POINT_BYTES", 1000)
    monkeypatch.setattr(unpacked, "_CHUNK", 777)
    drawn = random.Random(1)
    parts = [drawn.randbytes(drawn.randrange(1500)) for _ in range(20)]
    file = packed(kind, b"".join(map(PACK[kind], [*parts, b""])))
    stream = Unpacked(file, Point())
    assert b"".join(stream) == b"".join(parts)
    assert stream.at == sum(map(len, parts))
    assert stream.points[0] == Point()
    assert len(stream.points) > 5
    for point in stream.points:
        assert b"".join(Unpacked(file, point)) == b"".join(parts)[point.unpacked :]


def test_zeros_may_follow_a_gzip_member() -> None:
    file = packed("gzip", gzip.compress(b"a") + bytes(700) + gzip.compress(b"b") + bytes(9))
    assert b"".join(Unpacked(file, Point())) == b"ab"


@KINDS
@pytest.mark.parametrize("cut", [0, 3, 40, -1])
def test_a_file_that_is_cut_off_is_refused(kind: str, cut: int) -> None:
    content = PACK[kind](random.Random(1).randbytes(3000))[:cut]
    with pytest.raises(InvalidArgument, match=rf"a\.{kind} is cut off, behind [\d,]+ unpacked"):
        list(Unpacked(packed(kind, content), Point()))


@KINDS
def test_anything_else_at_its_end_is_refused(kind: str) -> None:
    content = PACK[kind](b"xyz") + b"something else, which is long enough"
    with pytest.raises(InvalidArgument, match=rf"is no {kind}, or damaged .*behind 3 unpacked"):
        list(Unpacked(packed(kind, content), Point()))


@KINDS
def test_a_damaged_file_is_refused(kind: str) -> None:
    content = bytearray(PACK[kind](random.Random(1).randbytes(3000) + bytes(3000)))
    content[9 if kind == "zstd" else -6] ^= 255
    with pytest.raises(InvalidArgument, match="or damaged|cut off"):
        list(Unpacked(packed(kind, bytes(content)), Point()))


def test_pieces_are_put_together() -> None:
    assert list(together(iter([b"ab", b"c", b"d", b"efg", b"h"]), 3)) == [b"abc", b"defg", b"h"]
