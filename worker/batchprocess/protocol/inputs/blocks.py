"""What a run keeps of where rows are: a part for each block of its input's bytes.

Blocks are pieces of equal size of all objects of the listing one behind the other, by number.
"""

import hashlib
import re

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.inputs.listing import INPUTS_PREFIX

BLOCK_BYTES = 256 << 20
_DIGEST = 32


def blocks_prefix(source: str, kind: str) -> str:
    """Of the parts of one way to count rows."""
    return f"{INPUTS_PREFIX}{source}/{kind}/"


def block_key(source: str, kind: str, number: int) -> str:
    """Of the part of a block."""
    return f"{blocks_prefix(source, kind)}{number:08d}"


def begun_key(source: str, kind: str, number: int, turn: int) -> str:
    """Says that an attempt counts the block; the next turn is of who waited for that in vain."""
    return f"{block_key(source, kind, number)}.begun-{turn}"


def is_block_key(key: str) -> bool:
    """Whether it is that of a part."""
    return re.fullmatch(rf"{INPUTS_PREFIX}[^/]+/[^/]+/\d{{8}}", key) is not None


def with_digest(body: bytes) -> bytes:
    """As it is stored: behind a part stands its own sha256."""
    return body + hashlib.sha256(body).digest()


def without_digest(key: str, stored: bytes) -> bytes:
    """The part; VerificationError if it is not what was stored."""
    body, digest = stored[:-_DIGEST], stored[-_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        raise VerificationError(f"{key} was changed: the digest at its end is not its own")
    return body
