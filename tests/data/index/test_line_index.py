"""Lines of a piece are those without their ends, and without blank ones where these are no rows."""

import pytest

from batchprocess.data.index.line_index import lines_of


@pytest.mark.parametrize(
    ("content", "all_lines", "with_text"),
    [
        (b"", [], []),
        (b"a", [b"a"], [b"a"]),
        (b"a\r\n\n \t\r\nb\n", [b"a", b"", b" \t", b"b"], [b"a", b"b"]),
        (b"\n", [b""], []),
    ],
)
def test_lines_are_those_between_feeds(
    content: bytes, all_lines: list[bytes], with_text: list[bytes]
) -> None:
    assert lines_of(content, skip_blank=False) == all_lines
    assert lines_of(content, skip_blank=True) == with_text
