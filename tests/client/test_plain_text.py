"""What others wrote does nothing to a terminal."""

from batchprocess.client.plain_text import plain, plain_line


def test_nothing_that_a_terminal_obeys_is_left() -> None:
    assert plain("a\x1b[2Jb\r\nc\u202ed\x9be") == "a [2Jb  c d e"
    assert plain("x" * 5_000) == "x" * 1024


def test_a_line_of_a_log_keeps_its_tabs() -> None:
    assert plain_line("a\tb\x1b]0;title\x07\rc", 100) == "a\tb ]0;title  c"
    assert plain_line("abc", 2) == "ab"
