"""Lines come whole, in whatever pieces they were sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.kube.lines import Lines


@given(st.binary(max_size=60).map(lambda text: text.replace(b"x", b"\n")), st.integers(1, 9))
def test_lines_are_the_same_in_pieces_of_any_size(text: bytes, size: int) -> None:
    lines = Lines(100)
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    assert [line for part in parts for line in lines.ended_by(part)] == text.split(b"\n")[:-1]


@pytest.mark.hostile
@pytest.mark.parametrize(
    "parts", [[b"x" * 6, b"x" * 5], [b"x" * 11 + b"\n"], [b"a\n", b"b\n" + b"x" * 11]]
)
def test_a_line_that_never_ends_is_refused_before_it_is_there(parts: list[bytes]) -> None:
    lines = Lines(10)
    *before, last = parts
    for part in before:
        lines.ended_by(part)
    with pytest.raises(ValueError, match="a line of more than 10 bytes"):
        lines.ended_by(last)


def test_lines_beside_one_another_are_not_one_long_line() -> None:
    lines = Lines(10)
    assert lines.ended_by(b"x" * 8) == []
    assert lines.ended_by(b"\n" + b"y" * 8 + b"\nz") == [b"x" * 8, b"y" * 8]
    assert lines.ended_by(b"\n") == [b"z"]
