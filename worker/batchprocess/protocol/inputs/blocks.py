"""What a run keeps of where rows are: of each block of its input a part, and what was counted.

Blocks are pieces of the objects of the listing one behind the other, by number.
"""

import hashlib
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.inputs.listing import INPUTS_PREFIX
from batchprocess.protocol.json_values import Count

BLOCK_BYTES = 256 << 20
VOID_BYTES = 64 << 10
"""Behind each object, where blocks are cut: a request costs as much as so many bytes."""
_DIGEST = 32
_COUNTS = "counts"
_NOWHERE = -1


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class OpenPiece(_Model):
    """What is known of the lines in a piece of an object of which other blocks have the rest.

    Its head ends with the first line feed, its tail begins behind the last.
    """

    begins: bool = Field(description="the object's first bytes are in it")
    ends: bool = Field(description="the object's last bytes are in it")
    start: Count = Field(description="its first byte in the object, behind a byte order mark")
    stop: Count = Field(description="where its bytes end")
    head_text: bool = Field(description="the head has anything; of `jsonl-2` but white space")
    head_end: int = Field(
        default=_NOWHERE, ge=_NOWHERE, description="behind the first line feed; -1 without one"
    )
    rows: Count = Field(default=0, description="that begin and end between head and tail")
    tail: int = Field(
        default=_NOWHERE, ge=_NOWHERE, description="where the tail begins; -1 without a line feed"
    )
    tail_text: bool = Field(default=False, description="the tail has anything, as of the head")


class BlockCount(_Model):
    """What all attempts have to know of a block, whosever rows are in it."""

    v: Literal[1] = Field(default=1, description="another value is refused")
    rows: Count = Field(description="of all pieces; of open ones those between head and tail")
    first: OpenPiece | None = Field(
        default=None, description="the first piece, if its object is not whole in the block"
    )
    last: OpenPiece | None = Field(
        default=None, description="the last piece, if it is another, and not whole either"
    )
    split: Count = Field(
        default=0, description="packed objects that can be read from more than one place on"
    )
    extensions: tuple[str, ...] = Field(
        default=(), description="of tar files: those that were asked for, and some of the others"
    )


def blocks_prefix(source: str, kind: str) -> str:
    """Of the parts of one way to count rows."""
    return f"{INPUTS_PREFIX}{source}/{kind}/"


def block_key(source: str, kind: str, number: int) -> str:
    """Of the part of a block."""
    return f"{blocks_prefix(source, kind)}{number:08d}"


def count_key(source: str, kind: str, number: int) -> str:
    """Of what was counted in a block; its part is there before it."""
    return f"{block_key(source, kind, number)}.json"


def counts_key(source: str, kind: str) -> str:
    """Of what was counted in all blocks: a line of JSON each."""
    return f"{blocks_prefix(source, kind)}{_COUNTS}"


def begun_key(source: str, kind: str, number: int, turn: int, beat: int = 0) -> str:
    """Says that an attempt counts the block; the next turn is of who waited for that in vain.

    beat: says that it still does, numbered from 1.
    """
    still = f"-{beat}" if beat else ""
    return f"{block_key(source, kind, number)}.begun-{turn}{still}"


def has_digest(key: str) -> bool:
    """Whether it is the key of a part, or of what was counted in all blocks."""
    return re.fullmatch(rf"{INPUTS_PREFIX}[^/]+/[^/]+/(\d{{8}}|{_COUNTS})", key) is not None


def is_count_key(key: str) -> bool:
    """Whether it is that of what was counted in one block."""
    return re.fullmatch(rf"{INPUTS_PREFIX}[^/]+/[^/]+/\d{{8}}\.json", key) is not None


def with_digest(body: bytes) -> bytes:
    """As it is stored: behind a part stands its own sha256."""
    return body + hashlib.sha256(body).digest()


def without_digest(key: str, stored: bytes) -> bytes:
    """The part; VerificationError if it is not what was stored."""
    body, digest = stored[:-_DIGEST], stored[-_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        raise VerificationError(f"{key} was changed: the digest at its end is not its own")
    return body
