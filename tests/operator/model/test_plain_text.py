"""Foreign text, made short and harmless."""

import pytest

from batchprocess_operator.model.plain_text import MAX_MESSAGE, plain

pytestmark = pytest.mark.hostile


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("as it is: \u00e4 \U0001f600", "as it is: \u00e4 \U0001f600"),
        ("two\nlines\r", "two lines "),
        ("\x1b[2J\x00\x7f\x9b", " [2J   "),
        ("\u202e\u2028\ud800", "   "),
        ("x" * 5_000, "x" * MAX_MESSAGE),
    ],
)
def test_a_text_is_one_short_line_that_no_terminal_obeys(text: str, harmless: str) -> None:
    assert plain(text) == harmless
