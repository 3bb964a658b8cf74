"""What CSV bytes mean: as the csv module reads them, and nothing is dropped."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.data.index.formats.csv_text import (
    MAX_HEADER,
    parse_header,
    parse_records,
    record_spans,
)
from batchprocess.protocol.errors import InvalidArgument

FIELD = st.text(st.sampled_from('a,;" \n\r\u2028ä\x0b'), max_size=6)
RECORDS = st.lists(st.lists(FIELD, min_size=2, max_size=3), max_size=8)


def written(records: list[list[str]], delimiter: str = ",", end: str = "\r\n") -> str:
    """As the csv module writes, all in quotes where lines end without a carriage return.

    Else it would not put one into quotes that ends a row, and nobody could tell it from a line's.
    """
    made = io.StringIO(newline="")
    quoting = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL
    writer = csv.writer(made, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows(records)
    return made.getvalue()


@given(RECORDS, st.sampled_from(",;"), st.sampled_from(["\n", "\r\n"]))
def test_what_a_writer_wrote_is_read_character_for_character(
    records: list[list[str]], delimiter: str, end: str
) -> None:
    text = written(records, delimiter, end)
    assert parse_records(text, delimiter) == records
    spans = list(record_spans(io.BytesIO(text.encode()), delimiter))
    pieces = [text.encode()[begin:stop].decode() for begin, stop in spans]
    assert [parse_records(piece, delimiter) for piece in pieces] == [[one] for one in records]


@given(st.text(st.sampled_from('ab,"\n\r '), max_size=24))
def test_records_of_any_bytes_follow_one_another_without_a_gap_but_blank_lines(text: str) -> None:
    content = text.encode()
    spans = list(record_spans(io.BytesIO(content), ","))
    at = 0
    for begin, end in [*spans, (len(content), len(content))]:
        assert not content[at:begin].strip(b"\r\n")
        assert begin <= end
        at = end


def test_a_field_may_be_larger_than_the_modules_own_limit() -> None:
    large = "x" * 500_000
    assert parse_records(f"a,{large}\n", ",") == [["a", large]]


@pytest.mark.parametrize("text", ['"a"b,c\n', 'a,"b\n', "a\rb\n"])
def test_what_could_only_be_guessed_is_an_error(text: str) -> None:
    with pytest.raises(csv.Error):
        parse_records(text, ",")
    assert len(list(record_spans(io.BytesIO(text.encode()), ","))) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a,,b\n", "the header's column 2 has no name: give it its own"),
        (b"a,b,a\n", "the header's column 3 has the name 'a' of column 1"),
        (b"a\0,b\n", "the header's column 1 'a.x00' has a NUL character in its name"),
        ("a,b\n".encode("utf-16"), "the header is not UTF-8 .byte 0."),
        (b'"a"b,c\n', "the header is no CSV"),
        (b"x" * (MAX_HEADER + 1), "the header has 1,048,577 bytes, at most 1,048,576 are allowed"),
    ],
)
def test_a_header_that_would_lose_values_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=f"in.csv: {sentence}"):
        parse_header(content, "in.csv", ",")


def test_a_header_has_no_byte_order_mark() -> None:
    assert parse_header(b'\xef\xbb\xbfa;"b\nc"\r\n', "in.csv", ";") == ("a", "b\nc")


def test_a_header_may_be_as_long_as_is_said() -> None:
    assert parse_header(b"x" * MAX_HEADER, "in.csv", ",") == ("x" * MAX_HEADER,)
