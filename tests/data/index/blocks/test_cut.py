"""Blocks are all bytes of all objects, each once and in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.data.index.blocks.cut import Cut


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.integers(1, 15))
def test_every_byte_is_in_one_block_and_a_byte_order_mark_in_one(
    sizes: list[int], size: int
) -> None:
    cut = Cut(np.concatenate(([0], np.cumsum(sizes))).astype(np.int64), size)
    blocks = [list(cut.pieces(number)) for number in range(cut.blocks)]
    for number, pieces in enumerate(blocks):
        assert sum(piece.stop - piece.start for piece in pieces) == cut.size(number)
        assert all(piece.start == 0 or piece.start >= 3 for piece in pieces)
    found = [(p.object, byte) for block in blocks for p in block for byte in range(p.start, p.stop)]
    assert found == [(one, byte) for one, many in enumerate(sizes) for byte in range(many)]


def test_blocks_of_one_large_object_are_equal() -> None:
    cut = Cut(np.array([0, 1_000]), 300)
    assert [cut.size(number) for number in range(cut.blocks)] == [300, 300, 300, 100]
