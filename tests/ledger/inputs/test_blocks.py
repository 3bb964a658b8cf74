"""Parts of blocks are kept once, and who counts one says so."""

from pathlib import Path

import pytest

from batchprocess.ledger.inputs.blocks import (
    begin_block,
    begun_beats,
    begun_turns,
    encode_counts,
    keep_block,
    keep_counts,
    read_block,
    read_count,
    read_counts,
)
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.inputs.blocks import BlockCount, block_key
from batchprocess.runs.perform import perform
from batchprocess.storage.local import LocalStorage

SOURCE = "5" * 32
OF = (SOURCE, "text-2", 7)
COUNT = BlockCount(rows=3, extensions=("ü",))


def test_a_part_is_read_as_it_was_kept_and_the_first_one_stays(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert perform(read_block(*OF), storage) is None
    for part in (b"counted", b"another"):
        perform(keep_block(*OF, part, COUNT), storage)
    assert perform(read_block(*OF), storage) == b"counted"
    assert perform(read_count(*OF), storage) == COUNT


def test_what_was_counted_in_all_blocks_is_one_object(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert perform(read_counts(*OF[:2]), storage) is None
    counts = [COUNT, BlockCount(rows=0)]
    perform(keep_counts(*OF[:2], encode_counts(counts)), storage)
    perform(keep_counts(*OF[:2], encode_counts(counts[:1])), storage)
    assert perform(read_counts(*OF[:2]), storage) == counts


@pytest.mark.parametrize("stored", [b"", b"short", b"x" * 40])
def test_a_part_that_was_harmed_is_named(tmp_path: Path, stored: bytes) -> None:
    storage = LocalStorage(tmp_path)
    storage.put(block_key(*OF), stored)
    with pytest.raises(VerificationError, match=r"text-2/00000007 was changed"):
        perform(read_block(*OF), storage)


def test_one_attempt_begins_a_block_and_another_its_next_turn(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert perform(begun_turns(*OF), storage) == 0
    assert perform(begin_block(*OF, 0, "a"), storage)
    assert perform(begin_block(*OF, 0, "a"), storage)  # its answer was lost
    assert not perform(begin_block(*OF, 0, "b"), storage)
    assert perform(begun_turns(*OF), storage) == 1
    assert perform(begin_block(*OF, 1, "b"), storage)
    assert perform(begun_turns(*OF), storage) == 2
    for beat in (1, 2):
        assert perform(begin_block(*OF, 1, "b", beat), storage)
    assert perform(begun_beats(*OF, 1, 0), storage) == 2
    assert perform(begun_beats(*OF, 0, 0), storage) == 0
    assert perform(begun_turns(*OF), storage) == 2
