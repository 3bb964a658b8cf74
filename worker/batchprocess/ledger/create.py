"""The only atomic step there is: creating one key that does not exist."""

from pathlib import Path
from typing import Any

from batchprocess.ledger.effects import Create, CreateReply, Digest, Flow, Get, Pause, Staged, Sync
from batchprocess.protocol.records import Claim, Commit, Seal, record_key


def create(key: str, body: bytes) -> Flow[bytes | None]:
    """Create `key` with `body`. Returns None if these very bytes stand there, else the rival's.

    Any reply but CREATED proves nothing: EXISTS may be our own earlier request whose answer was
    lost, and an unknown request may still arrive. So whoever doubts reads the key back. Retrying
    with the same bytes is safe however late a copy of this request arrives: the key holds one
    body for ever, and every copy of ours carries this one.
    """
    stored: bytes | None = yield from _create(key, body, Get(key))
    return None if stored == body else stored


def create_staged(key: str, staged: Staged) -> Flow[bool]:
    """As `create`, for what is too large for memory: whether these very bytes stand there."""
    stored: str | None = yield from _create(key, staged.source, Digest(key))
    return stored in (None, staged.sha256)


def _create(key: str, body: bytes | Path, look: Get | Digest) -> Flow[Any]:
    """None if this created the key, else what `look` shows."""
    tries = 0
    while True:
        reply: CreateReply = yield Create(key, body)
        if reply is CreateReply.CREATED:
            return None
        stored = yield look
        if stored is not None:
            yield Sync(key)
            return stored
        tries += 1
        yield Pause(tries)


def create_record(record: Claim | Commit | Seal, body: bytes) -> Flow[bytes | None]:
    """Create a ledger record, serialized once as `body`; its nonce makes equal bytes ours."""
    return (yield from create(record_key(record.shard, record.seq), body))
