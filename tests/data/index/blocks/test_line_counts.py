"""Counting by pieces finds the rows that reading the object whole finds, and where they are."""

import tracemalloc
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchprocess.data.index.blocks import line_counts
from batchprocess.data.index.blocks.line_counts import (
    Joined,
    LineCount,
    count_piece,
    count_pieces,
)
from batchprocess.data.index.line_index import BOM, EVERY_BYTES, EVERY_ROWS, lines_of
from batchprocess.protocol.errors import InvalidArgument

LINES = st.lists(
    st.sampled_from([b"", b" \t", b"\r", b"a", b"bc", b"{}", b"\xc3\xa4", b" x"]), max_size=12
)
CUTS = st.lists(st.integers(3, 50), max_size=6)


def pieces(content: bytes, cuts: list[int], *, skip_blank: bool) -> list[LineCount]:
    places = sorted({0, *(min(cut, len(content)) for cut in cuts), len(content)})
    return [count_piece(content[at:to], at, skip_blank=skip_blank) for at, to in pairwise(places)]


def joined(counts: list[LineCount], *, skip_blank: bool) -> Joined:
    found = Joined("file", skip_blank=skip_blank)
    for one in counts:
        found.add(one)
    return found


def counted(content: bytes, cuts: list[int], *, skip_blank: bool) -> tuple[int, list[list[int]]]:
    found = joined(pieces(content, cuts, skip_blank=skip_blank), skip_blank=skip_blank)
    rows, marks = found.whole()
    return rows, marks.tolist()


def require_marks(
    text: bytes, rows: int, marks: list[list[int]], expected: list[bytes], *, skip_blank: bool
) -> None:
    """From each mark on the rows are those from there on, and no row is far from one."""
    assert [row for row, _ in marks] == sorted({row for row, _ in marks})
    for row, begin in marks:
        assert lines_of(text[begin:], skip_blank=skip_blank) == expected[row:]
    gaps = np.diff([row for row, _ in marks] + [rows]) if rows else [0]
    assert max(gaps) <= EVERY_ROWS
    assert rows == 0 or marks[0][0] == 0


@given(LINES, st.booleans(), st.booleans(), CUTS, st.booleans())
@example([b"a"], False, True, [], True)
@example([], False, True, [], False)
def test_rows_are_those_of_the_whole_object_however_it_is_cut(
    lines: list[bytes], ended: bool, bom: bool, cuts: list[int], skip_blank: bool
) -> None:
    text = (BOM if bom else b"") + b"\n".join(lines) + (b"\n" if ended else b"")
    expected = lines_of(text.removeprefix(BOM), skip_blank=skip_blank)
    rows, marks = counted(text, cuts, skip_blank=skip_blank)
    assert rows == len(expected)
    require_marks(text, rows, marks, expected, skip_blank=skip_blank)


@given(LINES, st.booleans(), CUTS, st.booleans(), st.integers(0, 6))
def test_pieces_may_be_joined_in_any_grouping(
    lines: list[bytes], ended: bool, cuts: list[int], skip_blank: bool, at: int
) -> None:
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    counts = pieces(text, cuts, skip_blank=skip_blank)
    grouped = [
        joined(some, skip_blank=skip_blank).count() for some in (counts[:at], counts[at:]) if some
    ]
    one, two = (joined(some, skip_blank=skip_blank).whole() for some in (counts, grouped))
    assert (one[0], one[1].tolist()) == (two[0], two[1].tolist())


@pytest.mark.slow
@given(st.lists(st.integers(0, 3), min_size=300, max_size=900), st.booleans(), CUTS)
def test_there_is_a_mark_for_every_32_rows(
    sizes: list[int], skip_blank: bool, cuts: list[int]
) -> None:
    text = b"".join(b"x" * size + b"\n" for size in sizes)
    rows, marks = counted(text, cuts, skip_blank=skip_blank)
    expected = lines_of(text, skip_blank=skip_blank)
    assert rows == len(expected)
    require_marks(text, rows, marks, expected, skip_blank=skip_blank)


def test_long_lines_have_a_mark_in_each_mib() -> None:
    line = b"x" * (EVERY_BYTES // 2) + b"\n"
    rows, marks = counted(line * 7, [], skip_blank=False)
    begins = np.arange(7) * len(line)
    first = np.diff(begins // EVERY_BYTES, prepend=-1) > 0
    assert rows == 7
    assert {int(n) for n in np.flatnonzero(first)} <= {row for row, _ in marks}
    assert all(begin == begins[row] for row, begin in marks)


@pytest.mark.slow
@pytest.mark.parametrize("skip_blank", [True, False])
@pytest.mark.parametrize("line", [b"\n", b" \n", b"a\r\n"])
def test_many_short_lines_take_no_more_memory_than_others(line: bytes, skip_blank: bool) -> None:
    content = BOM + line * ((8 << 20) // len(line)) + b"end"
    found = Joined("file", skip_blank=skip_blank)
    tracemalloc.start()
    try:
        for one in count_pieces(content, 0, skip_blank=skip_blank):
            found.add(one)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20
    rows, marks = found.whole()
    expected = lines_of(content.removeprefix(BOM), skip_blank=skip_blank)
    assert (rows, marks[0].tolist()[0]) == (len(expected), 0)


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("cuts", [[], [10, 30, 50]])
def test_a_line_that_is_too_long_is_named(
    monkeypatch: pytest.MonkeyPatch, ended: bool, cuts: list[int]
) -> None:
    monkeypatch.setattr(line_counts, "MAX_LINE", 50)
    content = b"a\n\nb\n" + b"x" * 60 + (b"\n" if ended else b"")
    with pytest.raises(InvalidArgument, match=r"file: the line that begins at byte 5 has 6\d byte"):
        counted(content, [4, 8, *cuts], skip_blank=True)


def test_counts_are_of_ranges_that_touch() -> None:
    counts = pieces(b"ab\ncd\nef", [4, 6], skip_blank=False)
    assert reduce(lambda stop, one: one.stop if one.start == stop else -1, counts, 0) == 8


@pytest.mark.parametrize("cuts", [[], [10, 30, 49]])
def test_a_line_may_be_as_long_as_is_said_with_its_end(
    monkeypatch: pytest.MonkeyPatch, cuts: list[int]
) -> None:
    monkeypatch.setattr(line_counts, "MAX_LINE", 50)
    rows, _ = counted(b"x" * 49 + b"\n" + b"y" * 49 + b"\n", cuts, skip_blank=True)
    assert rows == 2
