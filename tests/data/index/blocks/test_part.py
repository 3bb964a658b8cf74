"""A part is read as it was written, or refused."""

import pytest

from batchprocess.data.index.blocks.line_counts import count_piece
from batchprocess.data.index.blocks.part import decode, encode
from batchprocess.protocol.errors import VerificationError

CONTENT = b"a\nb\n" * 700


@pytest.mark.parametrize("contents", [[], [b"x"], [CONTENT, b"", b"no end", CONTENT]])
def test_what_was_counted_comes_back(contents: list[bytes]) -> None:
    counts = [count_piece(one, 5, skip_blank=True) for one in contents]
    found = decode(encode(counts), "part")
    assert [repr(one) for one in found] == [repr(one) for one in counts]
    assert encode(found) == encode(counts)


@pytest.mark.parametrize(
    "body", [b"", b"{}", encode([count_piece(CONTENT, 0, skip_blank=False)])[:200]]
)
def test_what_is_no_part_is_refused(body: bytes) -> None:
    with pytest.raises(VerificationError, match="part cannot be read"):
        decode(body, "part")
