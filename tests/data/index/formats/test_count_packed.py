"""Counting lines of files of which some are packed."""

import gzip
import tracemalloc
from pathlib import Path

import pytest
import zstandard

from batchprocess.data.index.formats.count_packed import PackedLines
from batchprocess.data.index.packing import unpacked
from batchprocess.data.index.packing.unpacked import Point
from batchprocess.protocol.errors import InvalidArgument
from data.index.formats.test_count_csv import known


def test_rows_and_where_they_begin_are_of_what_files_become(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacked, "_POINT_BYTES", 1)
    member = gzip.compress(b"\xef\xbb\xbfa\n\nb\n")
    files = [
        *known(tmp_path, member + gzip.compress(b"c"), gzip.compress(b""), suffix="gz"),
        *known(tmp_path, b"d\n", suffix="txt"),
    ]
    found = [PackedLines(skip_blank=True).count(one) for one in files]
    assert [(one.rows, one.marks.tolist()) for one in found] == [
        (3, [[0, 3], [1, 6], [2, 8], [3, 9]]),
        (0, [[0, 0]]),
        (1, [[0, 0]]),
    ]
    assert found[0].points == [Point(), Point(len(member), 8)]


def test_a_line_is_bounded_and_the_file_is_not(tmp_path: Path) -> None:
    (one,) = known(tmp_path, gzip.compress(b"x" * (65 << 20)), suffix="gz")
    with pytest.raises(InvalidArgument, match=r"0\.gz: .* at most 67,108,864 are allowed"):
        PackedLines(skip_blank=False).count(one)


def test_a_frame_of_nothing_but_line_feeds_takes_little_memory(tmp_path: Path) -> None:
    packer = zstandard.ZstdCompressor(level=19).compressobj()
    frame = b"".join(packer.compress(b"\n" * (1 << 20)) for _ in range(64)) + packer.flush()
    assert len(frame) < 10_000
    (one,) = known(tmp_path, frame, suffix="zst")
    tracemalloc.start()
    try:
        rows = PackedLines(skip_blank=False).count(one).rows
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == 64 << 20
    # Of two thousand bytes all 64 MiB may come at once.
    assert peak < 300 << 20
