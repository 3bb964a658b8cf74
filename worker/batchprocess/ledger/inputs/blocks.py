"""Counting rows of a run's input, shared by its attempts: each block once, create-only.

What is kept of one block is equal, whoever counts it: the objects are those of the run's listing.
So nothing that goes wrong here makes a row wrong; it only has a block counted more than once.
"""

from collections.abc import Sequence

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get, Sync
from batchprocess.protocol.inputs.blocks import (
    BlockCount,
    begun_key,
    block_key,
    count_key,
    counts_key,
    with_digest,
    without_digest,
)
from batchprocess.protocol.run import encode_document, parse_document


def read_block(source: str, kind: str, number: int) -> Flow[bytes | None]:
    """The part of a block; None if nobody has kept it. VerificationError if it was harmed."""
    return (yield from _read_with_digest(block_key(source, kind, number)))


def read_count(source: str, kind: str, number: int) -> Flow[BlockCount | None]:
    """What was counted in a block; None if nobody has."""
    key = count_key(source, kind, number)
    body: bytes | None = yield Get(key)
    if body is None:
        return None
    yield Sync(key)
    return parse_document(BlockCount, key, body)


def read_counts(source: str, kind: str) -> Flow[list[BlockCount] | None]:
    """What was counted in all blocks; None if nobody has put that together yet."""
    key = counts_key(source, kind)
    body = yield from _read_with_digest(key)
    if body is None:
        return None
    return [parse_document(BlockCount, key, line) for line in body.splitlines()]


def keep_block(source: str, kind: str, number: int, part: bytes, count: BlockCount) -> Flow[None]:
    """Have others read it. If somebody else was faster his stands, and is the same.

    The part comes first: whoever reads what was counted finds where its rows are.
    """
    yield from create(block_key(source, kind, number), with_digest(part))
    key = count_key(source, kind, number)
    yield from create(key, encode_document(count, key))


def encode_counts(counts: Sequence[BlockCount]) -> bytes:
    """Of all blocks, as they are kept together."""
    return b"".join(one.model_dump_json(exclude_defaults=True).encode() + b"\n" for one in counts)


def keep_counts(source: str, kind: str, body: bytes) -> Flow[None]:
    """Have others find what was counted in all blocks by one request."""
    key = counts_key(source, kind)
    if (yield Get(key)) is None:
        yield from create(key, with_digest(body))


def begin_block(
    source: str, kind: str, number: int, turn: int, me: str, beat: int = 0
) -> Flow[bool]:
    """Whether it is mine to count, or still is. `me`: drawn for this attempt."""
    stored = yield from create(begun_key(source, kind, number, turn, beat), me.encode())
    return stored is None


def begun_turns(source: str, kind: str, number: int) -> Flow[int]:
    """How many have said that they count it; a hint, for the next may say so just now."""
    turn = 0
    while (yield Get(begun_key(source, kind, number, turn))) is not None:
        turn += 1
    return turn


def begun_beats(source: str, kind: str, number: int, turn: int, known: int) -> Flow[int]:
    """How often who counts it has said so again; known: so often at least."""
    while (yield Get(begun_key(source, kind, number, turn, known + 1))) is not None:
        known += 1
    return known


def _read_with_digest(key: str) -> Flow[bytes | None]:
    stored: bytes | None = yield Get(key)
    if stored is None:
        return None
    yield Sync(key)
    return without_digest(key, stored)
