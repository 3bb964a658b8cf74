"""Comparing bytes finds the records that the csv module finds, or says that it cannot."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchprocess.data.index.formats import csv_counter
from batchprocess.data.index.formats.csv_counter import CsvCounter, UnusualQuotes
from batchprocess.data.index.formats.csv_text import record_spans
from batchprocess.data.index.line_index import BOM
from batchprocess.protocol.errors import InvalidArgument
from data.index.formats.test_csv_text import RECORDS, written


def counted(pieces: list[bytes]) -> tuple[tuple[int, int] | None, list[int]]:
    """The header, and where each row begins."""
    counter, begins = CsvCounter("in.csv", ","), []
    add = counter.marks.add
    counter.marks.add = lambda some: (begins.extend(some.tolist()), add(some))[1]  # type: ignore[method-assign,func-returns-value]
    for piece in pieces:
        counter.feed(piece)
    counter.end()
    assert counter.marks.rows == len(begins)
    return counter.header, begins


def parsed(content: bytes) -> tuple[tuple[int, int] | None, list[int]]:
    spans = list(record_spans(io.BytesIO(content), ","))
    return (spans[0] if spans else None), [begin for begin, _ in spans[1:]]


def cut(content: bytes, cuts: list[int]) -> list[bytes]:
    """Each piece ends with a line feed."""
    lines = content.splitlines(keepends=True) if b"\r" not in content else [
        line + b"\n" for line in content.split(b"\n")[:-1]
    ]  # fmt: skip
    pieces = [b""]
    for number, line in enumerate(lines):
        if number in cuts and pieces[-1]:
            pieces.append(b"")
        pieces[-1] += line
    return pieces


@given(st.text(st.sampled_from('ab,"\n\r '), max_size=30), st.lists(st.integers(0, 9)))
@example('a\rb,"c\nd"\n', [])
@example('"a"\r"b\n"\n', [])
@example('a,"b""c\n\n"\n\r\n', [1])
def test_any_bytes_are_counted_as_parsing_does_or_not_at_all(text: str, cuts: list[int]) -> None:
    content = (text + "\n").encode()
    try:
        found = counted(cut(content, cuts))
    except UnusualQuotes:
        return
    assert found == parsed(content)


@given(RECORDS, st.lists(st.integers(0, 9)), st.sampled_from(["\n", "\r\n"]))
def test_what_a_writer_wrote_is_never_unusual(
    records: list[list[str]], cuts: list[int], end: str
) -> None:
    content = written(records, ",", end).encode()
    assert counted(cut(content, cuts)) == parsed(content)


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    assert counted([BOM + b'"a"\nb\n']) == ((3, 7), [7])


@pytest.mark.parametrize("content", [b'a"b\n', b'"a" ,b\n', b'a, "b"\n', b"a\rb\n", b"a\r\r\n"])
def test_what_only_a_parser_knows_is_said(content: bytes) -> None:
    with pytest.raises(UnusualQuotes):
        counted([content])


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"a\n" + b"b\n" + b"x" * 30 + b"\n", "row 1"), (b"a\n\"" + b"x\n" * 15, "row 0"),
     (b"x" * 30 + b"\n", "the header")],
)  # fmt: skip
def test_a_record_that_is_too_long_is_named(
    monkeypatch: pytest.MonkeyPatch, content: bytes, what: str
) -> None:
    monkeypatch.setattr(csv_counter, "MAX_LINE", 20)
    with pytest.raises(InvalidArgument, match=f"in.csv: {what} has 31 bytes or more"):
        counted([content])
