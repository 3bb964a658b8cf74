"""What is kept of a bad row, whatever it says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.protocol.bad_rows import BadRow, decode_bad_rows, encode_bad_rows
from batchprocess.protocol.bad_rows.bad_row import (
    MAX_FILE,
    MAX_ID,
    MAX_LINE_BYTES,
    MAX_MESSAGE,
    MAX_TRACEBACK,
    MAX_TYPE,
)
from batchprocess.protocol.errors import VerificationError


def bad(row: int = 0, **more) -> BadRow:
    return BadRow(**{"row": row, "batch": 0, "stage": "reading", "type": "ValueError"} | more)


ANY = st.text(st.characters(codec=None), max_size=50)


@given(
    rows=st.lists(st.integers(0, 2**53 - 1), unique=True, max_size=5),
    key=st.none() | st.integers(-(2**63), 2**64 - 1) | ANY,
    text=ANY,
)
def test_bad_rows_are_read_as_they_were_made_and_in_order(rows, key, text):
    made = [bad(row, id=key, file=text, type=text, message=text, traceback=text) for row in rows]
    lines = encode_bad_rows(made).splitlines(keepends=True)
    assert list(decode_bad_rows(lines, "k")) == sorted(made, key=lambda one: one.row)


@given(key=st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=MAX_ID))
def test_an_id_of_unicode_or_of_64_bits_is_kept_as_it_is(key):
    kept = bad(id=key).id
    assert kept == key
    assert type(kept) is type(key)


def test_a_number_of_numpy_is_a_number():
    import numpy as np

    assert bad(id=np.int64(7)).id == 7
    assert type(bad(id=np.uint64(2**64 - 1)).id) is int


def test_what_is_no_number_of_64_bits_and_no_text_becomes_a_text():
    assert bad(id=2**64).id == "0x10000000000000000"
    assert bad(id=1.5).id == "1.5"
    assert len(bad(id=1 << 100_000).id) == MAX_ID


@pytest.mark.parametrize("letter", ["\x01", "\\", "\U0001f600", "\ud800", '"', "\x9b"], ids=ascii)
def test_a_line_is_never_longer_than_its_bound_and_the_end_of_a_traceback_stays(letter):
    huge = letter * (1 << 20)
    made = bad(2**53 - 1, id=huge, file=huge, type=huge, message=huge, traceback=f"{huge}end")
    (line,) = encode_bad_rows([made]).splitlines()
    assert len(line) <= MAX_LINE_BYTES
    lengths = [len(text) for text in (made.id, made.file, made.type, made.message)]
    assert lengths == [MAX_ID, MAX_FILE, MAX_TYPE, MAX_MESSAGE]
    assert len(made.traceback) == MAX_TRACEBACK
    assert made.traceback.endswith("end")
    assert made.traceback.startswith("...")
    assert made.message.endswith("...")


def test_no_terminal_is_sent_commands_of_strangers():
    shown = bad(message="a\x1b]0;x\x07\r\n\t\x9b2J\u202eb", traceback="\x1b[31mred\n", type="T\x00")
    assert shown.message == "a\\x1b]0;x\\x07\\r\n\t\\x9b2J\\u202eb"
    assert shown.traceback == "\\x1b[31mred\n"
    assert shown.type == "T\\x00"


def test_bytes_that_are_no_text_are_escaped():
    assert bad(file="a\udcff", message="\ud800").file == "a\\udcff"


def test_a_brief_one_has_no_traceback_and_less_of_its_message():
    brief = bad(message="m" * 900, traceback="t").brief()
    assert (len(brief.message), brief.traceback) == (200, "")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"{"], r"k: line 1 is no bad row"),
        ([b'{"row": -1}'], r"k: line 1 is no bad row"),
        ([encode_bad_rows([bad(3)])] * 2, "k: line 2 has row 3 after 3"),
    ],
)
def test_lines_that_are_not_what_was_written_are_an_error_of_verification(lines, said):
    with pytest.raises(VerificationError, match=said):
        list(decode_bad_rows(lines, "k"))


def test_a_reader_ignores_fields_that_it_does_not_know():
    line = json.dumps(bad(3).model_dump() | {"new": 1}).encode()
    assert list(decode_bad_rows([line], "k")) == [bad(3)]


@pytest.mark.parametrize("wrong", [{"row": -1}, {"row": 2**53}, {"batch": -1}, {"stage": "x"}])
def test_what_is_no_row_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        bad(**wrong)
