"""Foreign text, made short and harmless."""

import pytest

from batchprocess.plain_text import MAX_MESSAGE, plain, plain_line

pytestmark = pytest.mark.hostile


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("as it is: \u00e4 \U0001f600", "as it is: \u00e4 \U0001f600"),
        ("two\nlines\r", "two lines "),
        ("\x1b[2J\x00\x7f\x9b", " [2J   "),
        ("\u202e\u2028\ud800", "   "),
        ("a\x1b[2Jb\r\nc\u202ed\x9be", "a [2Jb  c d e"),
        ("x" * 5_000, "x" * MAX_MESSAGE),
    ],
)
def test_a_text_is_one_short_line_that_no_terminal_obeys(text: str, harmless: str) -> None:
    assert plain(text) == harmless


def test_a_line_of_a_log_keeps_its_tabs() -> None:
    assert plain_line("a\tb\x1b]0;title\x07\rc", 100) == "a\tb ]0;title  c"
    assert plain_line("abc", 2) == "ab"
