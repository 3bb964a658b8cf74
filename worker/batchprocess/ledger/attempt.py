"""Claim a shard, commit batches, seal it (docs/protocol.md, "An attempt").

Each function is a flow: it yields effects and is sent their results. It may be abandoned at any
yield (that is a crash) and nothing that it has asked for needs to be undone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from batchprocess.ledger.create import create_record
from batchprocess.ledger.draft import Draft, Place, body_of, uploads_of
from batchprocess.ledger.effects import Delete, Flow, Get, Upload
from batchprocess.ledger.head import Stored, below, durable_head
from batchprocess.ledger.identity import (
    Identity,
    refuse_finished,
    refuse_hopeless,
    require_followed,
)
from batchprocess.ledger.survey import require_end
from batchprocess.protocol.errors import Fenced, VerificationError
from batchprocess.protocol.records import Claim, Commit, Seal, digest, encode, record_key


@dataclass(frozen=True, slots=True)
class Position:
    """The last record that is ours: everything that the next one builds on.

    `bad_rows`: of the shard, committed up to here.
    """

    seq: int
    digest: str
    cursor: int
    bad_rows: int = 0


@dataclass(frozen=True, slots=True)
class Claimed:
    """The shard is ours. `last` is the commit that the cursor comes from, if there is one."""

    position: Position
    last: Commit | None


def claim(
    me: Identity, *, max_without_progress: int | None, follows: str | None = None
) -> Flow[Claimed]:
    """Own the shard from now on: no older attempt can create anything any more.

    follows: the attempt whose work ours goes on with in the same pod. Fenced if anybody has come
    between: as one with it we would have been fenced too. It is no further try, and not counted.

    Raises ShardSealed, ShardClosed, TakenOver or NoProgress without having claimed. Losing the
    race for a number is not being fenced: the rival's record becomes the one we build on, so the
    cursor is always that of the record right below our claim. VerificationError if that record
    or one between it and the last commit is lost.
    """
    head = yield from durable_head(me.shard)
    if follows is None:
        yield from refuse_hopeless(head, me, max_without_progress)
    while True:
        refuse_finished(head, me)
        require_followed(head, me, follows)
        if not (yield from require_end(me.shard, head)):
            head = yield from durable_head(me.shard, after=head)
            continue
        last = yield from last_commit(head)
        record = _claim_on(head, me, follows)
        body = encode(record)
        rival = yield from create_record(record, body)
        if rival is None:
            return Claimed(_position(record, body, bad_rows_of(last)), last)
        found = Stored.parse(rival, shard=me.shard, seq=record.seq)
        head = yield from durable_head(me.shard, after=found)


def commit(me: Identity, at: Position, draft: Draft) -> Flow[Position]:
    """Make `draft` count, with its files, and move the cursor to the end of its batches.

    Data is durable before the record that names it; a crash in between leaves files that no
    record names, which the finalizer removes. Raises Fenced (or its kin) when a newer claim
    stands at our number.
    """
    if draft.batches[0] != at.cursor:
        raise VerificationError(
            f"shard {me.shard}: a commit of batches {draft.batches} cannot follow {at.cursor}"
        )
    return (yield from _append(me, at, draft, Commit))


def seal(me: Identity, at: Position, draft: Draft, *, batches: int) -> Flow[Position]:
    """End the shard as complete. `batches` is how many it has; the cursor must be there."""
    if (at.cursor, draft.batches) != (batches, (batches, batches)):
        raise VerificationError(
            f"shard {me.shard} has {batches} batches and cannot be sealed at {at.cursor}"
        )
    return (yield from _append(me, at, draft, lambda **body: Seal(outcome="complete", **body)))


def require_owner(me: Identity, at: Position) -> Flow[None]:
    """Raise Fenced (or its kin) if another's record stands at our next number.

    For what is written before a record and is not below its own name: who has lost the shard long
    ago does not get there. It may be lost right behind this.
    """
    rival: bytes | None = yield Get(record_key(me.shard, at.seq + 1))
    if rival is not None:
        yield from _give_way(me, Stored.parse(rival, shard=me.shard, seq=at.seq + 1))


def last_commit(head: Stored | None) -> Flow[Commit | None]:
    """The nearest commit at or below `head`."""
    while head is not None and not isinstance(head.record, Commit):
        if head.record.seq == 1:
            return None
        head = yield from below(head)
    return None if head is None else head.record  # type: ignore[return-value]


def bad_rows_of(last: Commit | None) -> int:
    """Of a shard whose last commit this is."""
    return 0 if last is None or last.bad_rows is None else last.bad_rows.total


def _append(
    me: Identity, at: Position, draft: Draft, kind: Callable[..., Commit | Seal]
) -> Flow[Position]:
    nonce = me.nonce()
    place = Place(me.shard, at.seq + 1, nonce)
    record = kind(
        **_header(me, at.seq + 1, at.digest, nonce, draft.batches[1]),
        **body_of(draft, place, at.bad_rows),
    )
    body = encode(record)
    uploads = uploads_of(draft, place)
    if uploads:
        yield Upload(uploads)
    rival = yield from create_record(record, body)
    if rival is not None:
        if uploads:
            # Another's record has the only number at which ours could have named them. Who may not
            # delete leaves them to the finalizer.
            yield Delete(tuple(key for key, _ in uploads))
        yield from _give_way(me, Stored.parse(rival, shard=me.shard, seq=record.seq))
    return _position(record, body, draft.bad_rows_after(at.bad_rows))


def _give_way(me: Identity, rival: Stored) -> Flow[None]:
    """Another's record stands at our number: find out what that means, and say so by raising."""
    head = yield from durable_head(me.shard, after=rival)
    refuse_finished(head, me)
    raise Fenced(f"a newer attempt owns shard {me.shard} from record {rival.record.seq} on")


def _claim_on(head: Stored | None, me: Identity, follows: str | None = None) -> Claim:
    seq, prev, cursor = (
        (1, None, 0) if head is None else (head.record.seq + 1, head.digest, head.record.cursor)
    )
    header = _header(me, seq, prev, me.nonce(), cursor)
    return Claim(**header, retry=me.retry, follows=follows)


def _header(me: Identity, seq: int, prev: str | None, nonce: str, cursor: int) -> dict[str, Any]:
    return {
        "shard": me.shard,
        "seq": seq,
        "prev": prev,
        "nonce": nonce,
        "attempt": me.attempt,
        "job": me.job,
        "cursor": cursor,
        "at": me.now(),
        "source": me.source,
    }


def _position(record: Claim | Commit | Seal, body: bytes, bad_rows: int) -> Position:
    return Position(record.seq, digest(body), record.cursor, bad_rows)
