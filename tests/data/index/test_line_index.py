"""Counting lines by pieces finds the rows that reading the file whole finds, and where they are."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchprocess.data.index import line_index
from batchprocess.data.index.line_index import BOM, EVERY_BYTES, LineCounter, lines_of
from batchprocess.protocol.errors import InvalidArgument

LINES = st.lists(
    st.sampled_from([b"", b" \t", b"\r", b"a", b"bc", b"{}", b"\xc3\xa4"]), max_size=12
)


def counted(content: bytes, cuts: list[int], *, skip_blank: bool) -> tuple[int, list[list[int]]]:
    counter = LineCounter("file", skip_blank)
    at = 0
    for cut in sorted({*(min(3 + cut, len(content)) for cut in cuts), len(content)}):
        counter.feed(content[at:cut])
        at = cut
    rows, marks = counter.rows_and_marks()
    return rows, marks.tolist()


@given(LINES, st.booleans(), st.booleans(), st.lists(st.integers(0, 40), max_size=4), st.booleans())
@example([b"a"], False, True, [], True)
@example([], False, True, [], False)
def test_rows_are_those_of_the_whole_file_however_it_is_cut(
    lines: list[bytes], ended: bool, bom: bool, cuts: list[int], skip_blank: bool
) -> None:
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    expected = lines_of(text, skip_blank=skip_blank)
    rows, marks = counted((BOM if bom else b"") + text, cuts, skip_blank=skip_blank)
    assert rows == len(expected)
    assert [row for row, _ in marks] == ([0] if rows else [])


@given(st.lists(st.integers(0, 3), min_size=300, max_size=900), st.booleans())
def test_from_each_mark_on_the_rows_are_those_from_there_on(
    sizes: list[int], skip_blank: bool
) -> None:
    text = b"".join(b"x" * size + b"\n" for size in sizes)
    expected = lines_of(text, skip_blank=skip_blank)
    rows, marks = counted(text, [100, 500], skip_blank=skip_blank)
    assert rows == len(expected)
    assert [row for row, _ in marks] == list(range(0, rows, line_index.EVERY_ROWS))
    for row, begin in marks:
        assert lines_of(text[begin:], skip_blank=skip_blank) == expected[row:]


def test_long_lines_have_a_mark_in_each_mib() -> None:
    line = b"x" * (EVERY_BYTES // 2) + b"\n"
    rows, marks = counted(line * 7, [], skip_blank=False)
    begins = np.arange(7) * len(line)
    first = np.diff(begins // EVERY_BYTES, prepend=-1) > 0
    assert (rows, marks) == (7, [[int(n), int(begins[n])] for n in np.flatnonzero(first)])


@pytest.mark.parametrize("ended", [True, False])
def test_a_line_that_is_too_long_is_named(monkeypatch: pytest.MonkeyPatch, ended: bool) -> None:
    monkeypatch.setattr(line_index, "MAX_LINE", 50)
    content = b"a\n\nb\n" + b"x" * 60 + (b"\n" if ended else b"")
    with pytest.raises(InvalidArgument, match=r"file: row 2 has 6\d bytes or more, at most 50"):
        counted(content, [10], skip_blank=True)
    counter = LineCounter("file", skip_blank=True)
    for _ in range(5):
        counter.feed(b"x" * 10)
    with pytest.raises(InvalidArgument, match="row 0"):
        counter.feed(b"x")
