"""Lines come whole, in whatever pieces they were sent."""

import pytest

from batchprocess.client.server.lines import cut_lines, whole_lines

PARTS = [b"one\ntw", b"o\n\nthr", b"ee"]


def test_lines_are_put_together_and_an_unfinished_event_is_none() -> None:
    assert list(whole_lines(PARTS, 10)) == [b"one", b"two", b""]


def test_an_event_that_never_ends_is_refused_before_it_is_there() -> None:
    with pytest.raises(ValueError, match="a line of more than 10 bytes"):
        list(whole_lines([b"x" * 6, b"x" * 6, b"\n"], 10))


def test_an_unfinished_line_of_a_log_is_shown_and_a_long_one_is_cut() -> None:
    assert list(cut_lines(PARTS, 10)) == [b"one", b"two", b"", b"three"]
    assert list(cut_lines([b"0123456789", b"abc", b"def\nnext\n"], 5)) == [b"01234", b"next"]
