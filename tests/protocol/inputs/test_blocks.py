"""Keys and digests of what is kept of blocks."""

import hashlib

import pytest

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.inputs.blocks import (
    begun_key,
    block_key,
    count_key,
    counts_key,
    has_digest,
    is_count_key,
    with_digest,
    without_digest,
)


def test_keys_have_the_source_the_kind_and_the_number() -> None:
    part, count = block_key("s", "text-2", 12), count_key("s", "text-2", 12)
    begun = begun_key("s", "text-2", 12, 3), begun_key("s", "text-2", 12, 3, 1)
    assert part == "inputs/s/text-2/00000012"
    assert count == "inputs/s/text-2/00000012.json"
    assert counts_key("s", "text-2") == "inputs/s/text-2/counts"
    assert begun == ("inputs/s/text-2/00000012.begun-3", "inputs/s/text-2/00000012.begun-3-1")
    keys = (part, count, counts_key("s", "text-2"), *begun, "inputs/s/listing.json")
    assert [has_digest(key) for key in keys] == [True, False, True, False, False, False]
    assert [is_count_key(key) for key in keys] == [False, True, False, False, False, False]


def test_behind_a_part_stands_its_digest() -> None:
    stored = with_digest(b"part")
    assert stored == b"part" + hashlib.sha256(b"part").digest()
    assert without_digest("key", stored) == b"part"
    with pytest.raises(VerificationError, match="key was changed"):
        without_digest("key", b"p" + stored)
