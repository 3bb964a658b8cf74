"""Blocks are all bytes of all objects, each once and in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.data.index.blocks.cut import Cut, WholeFiles
from batchprocess.data.index.line_index import Offsets
from batchprocess.protocol.inputs.blocks import BLOCK_BYTES, VOID_BYTES


def offsets(sizes: list[int]) -> Offsets:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


SIZES = st.lists(st.integers(0, 20), min_size=1, max_size=12)


@given(SIZES, st.integers(1, 15), st.integers(0, 9))
def test_every_byte_is_in_one_block_and_a_byte_order_mark_in_one(
    sizes: list[int], size: int, void: int
) -> None:
    cut = Cut(offsets(sizes), size, void)
    blocks = [list(cut.pieces(number)) for number in range(cut.blocks)]
    for number, pieces in enumerate(blocks):
        assert sum(piece.stop - piece.start for piece in pieces) == cut.size(number)
        assert all(cut.firsts[number] <= piece.object for piece in pieces)
        assert all(piece.start == 0 or piece.start >= 3 for piece in pieces)
    found = [(p.object, byte) for block in blocks for p in block for byte in range(p.start, p.stop)]
    assert found == [(one, byte) for one, many in enumerate(sizes) for byte in range(many)]


@given(SIZES, st.integers(1, 40), st.integers(0, 9))
def test_every_file_is_whole_in_one_block(sizes: list[int], size: int, void: int) -> None:
    cut = WholeFiles(offsets(sizes), size, void)
    blocks = [list(cut.pieces(number)) for number in range(cut.blocks)]
    found = [(p.object, p.start, p.stop) for block in blocks for p in block]
    assert found == [(one, 0, many) for one, many in enumerate(sizes)]
    for number, pieces in enumerate(blocks):
        assert sum(piece.stop - piece.start for piece in pieces) == cut.size(number)
        assert all(cut.firsts[number] <= piece.object for piece in pieces)
        begins = [int(offsets(sizes)[p.object]) + p.object * void for p in pieces]
        assert not begins or max(begins) - min(begins) < size


def test_blocks_of_one_large_object_are_equal() -> None:
    cut = Cut(np.array([0, 1_000]), 300, 10)
    assert [[*cut.pieces(number)] for number in range(cut.blocks)] == [
        [(0, 0, 300)],
        [(0, 300, 600)],
        [(0, 600, 900)],
        [(0, 900, 1_000)],
    ]


def test_so_many_small_files_are_in_a_block() -> None:
    sizes = [1] * 10_000
    for cut in (Cut(offsets(sizes)), WholeFiles(offsets(sizes))):
        most = max(len(list(cut.pieces(number))) for number in range(cut.blocks))
        assert most == BLOCK_BYTES // VOID_BYTES == 4_096
