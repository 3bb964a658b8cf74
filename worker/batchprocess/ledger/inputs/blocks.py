"""Counting rows of a run's input, shared by its attempts: a part for each block, create-only.

Parts of one block are equal, whoever counts it: the objects are those of the run's listing. So
nothing that goes wrong here makes a row wrong; it only has a block counted more than once.
"""

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get, Sync
from batchprocess.protocol.inputs.blocks import (
    begun_key,
    block_key,
    with_digest,
    without_digest,
)


def read_block(source: str, kind: str, number: int) -> Flow[bytes | None]:
    """The part of a block; None if nobody has counted it. VerificationError if it was harmed."""
    key = block_key(source, kind, number)
    stored: bytes | None = yield Get(key)
    if stored is None:
        return None
    yield Sync(key)
    return without_digest(key, stored)


def keep_block(source: str, kind: str, number: int, part: bytes) -> Flow[None]:
    """Have others read it. If somebody else was faster his stands, and is the same."""
    yield from create(block_key(source, kind, number), with_digest(part))


def begin_block(source: str, kind: str, number: int, turn: int, me: str) -> Flow[bool]:
    """Whether it is mine to count. `me`: drawn for this attempt."""
    stored = yield from create(begun_key(source, kind, number, turn), me.encode())
    return stored is None


def begun_turns(source: str, kind: str, number: int) -> Flow[int]:
    """How many have said that they count it; a hint, for the next may say so just now."""
    turn = 0
    while (yield Get(begun_key(source, kind, number, turn))) is not None:
        turn += 1
    return turn
