"""Keys and digests of what is kept of blocks."""

import hashlib

import pytest

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.inputs.blocks import (
    begun_key,
    block_key,
    is_block_key,
    with_digest,
    without_digest,
)


def test_keys_have_the_source_the_kind_and_the_number() -> None:
    assert block_key("s", "text-1", 12) == "inputs/s/text-1/00000012"
    assert begun_key("s", "text-1", 12, 3) == "inputs/s/text-1/00000012.begun-3"
    assert is_block_key(block_key("s", "text-1", 12))
    assert not is_block_key(begun_key("s", "text-1", 12, 3))


def test_behind_a_part_stands_its_digest() -> None:
    stored = with_digest(b"part")
    assert stored == b"part" + hashlib.sha256(b"part").digest()
    assert without_digest("key", stored) == b"part"
    with pytest.raises(VerificationError, match="key was changed"):
        without_digest("key", b"p" + stored)
