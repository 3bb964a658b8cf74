"""One attempt on one shard: claim it, commit batches, seal it (contracts section 3).

Each function is a flow: it yields effects and is sent their results. It may be abandoned at any
yield (that is a crash) and nothing that it has asked for needs to be undone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from batchprocess.ledger.create import create_record
from batchprocess.ledger.effects import Flow, Staged, Upload
from batchprocess.ledger.head import Stored, find_head, read
from batchprocess.protocol.errors import (
    Fenced,
    NoProgress,
    ShardClosed,
    ShardSealed,
    TakenOver,
    VerificationError,
)
from batchprocess.protocol.records import (
    Claim,
    Commit,
    CommittedFile,
    MetricEntry,
    ReducerEntry,
    Seal,
    Span,
    data_prefix,
    digest,
    encode,
)
from batchprocess.protocol.spent import Spent


@dataclass(frozen=True, slots=True)
class Identity:
    """Who claims: one process start (`attempt`, a nonce) of a `job`, on one shard.

    `nonce` draws a fresh 128-bit hex string, `now` gives RFC 3339 UTC (information only).
    """

    shard: int
    job: str
    attempt: str
    nonce: Callable[[], str]
    now: Callable[[], str]
    retry: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """The last record that is ours: everything that the next one builds on."""

    seq: int
    digest: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The shard is ours. `last` is the commit that the cursor comes from, if there is one."""

    position: Position
    last: Commit | None


@dataclass(frozen=True, slots=True)
class StagedReducer:
    """A reducer's value at the boundary; `staged` instead of `value` when it is large."""

    entry: ReducerEntry
    staged: Staged | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a commit or seal will say, before it has a number.

    `batches` is shard-local, `rows` dataset-wide, both half-open; `files` maps checked names to
    staged bytes.
    """

    batches: Span
    rows: Span
    files: tuple[tuple[str, Staged], ...] = ()
    reducers: tuple[StagedReducer, ...] = ()
    metrics: tuple[MetricEntry, ...] = ()
    models: tuple[dict[str, str], ...] = ()
    spent: Spent | None = None


def refuse_finished(head: Stored | None, me: Identity) -> None:
    """Raise if nobody like us may claim on top of `head`; reading needs no claim."""
    if head is None:
        return
    record = head.record
    if isinstance(record, Seal) and record.outcome == "complete":
        raise ShardSealed(f"shard {me.shard} is complete")
    if isinstance(record, Seal):
        raise ShardClosed(
            f"shard {me.shard} was closed as failed at batch {record.cursor}; start another run"
        )
    refuse_taken_over(head, me)


def refuse_taken_over(head: Stored | None, me: Identity) -> None:
    """Raise TakenOver if a younger job works on this run: it wins, once, and for good."""
    if head is not None and head.record.job > me.job:
        raise TakenOver(f"the run was taken over by job {head.record.job} (this is job {me.job})")


def claim(me: Identity, *, max_without_progress: int | None) -> Flow[Claimed]:
    """Own the shard from now on: no older attempt can create anything any more.

    Raises ShardSealed, ShardClosed, TakenOver or NoProgress without having claimed. Losing the
    race for a number is not being fenced: the rival's record becomes the one we build on, so the
    cursor is always that of the record right below our claim.
    """
    head = yield from find_head(me.shard)
    yield from _refuse_hopeless(head, me, max_without_progress)
    while True:
        refuse_finished(head, me)
        record = _claim_on(head, me)
        body = encode(record)
        rival = yield from create_record(record, body)
        if rival is None:
            last = yield from last_commit(head)
            return Claimed(_position(record, body), last)
        found = Stored.parse(rival, shard=me.shard, seq=record.seq)
        head = yield from find_head(me.shard, after=found)


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


def last_commit(head: Stored | None) -> Flow[Commit | None]:
    """The nearest commit at or below `head`."""
    while head is not None and not isinstance(head.record, Commit):
        if head.record.seq == 1:
            return None
        head = yield from _below(head)
    return None if head is None else head.record  # type: ignore[return-value]


def _append(
    me: Identity, at: Position, draft: Draft, kind: Callable[..., Commit | Seal]
) -> Flow[Position]:
    nonce = me.nonce()
    prefix = data_prefix(me.shard, at.seq + 1, nonce)
    record = kind(
        **_header(me, at.seq + 1, at.digest, nonce, draft.batches[1]), **_body(draft, prefix)
    )
    body = encode(record)
    uploads = _uploads(draft, prefix)
    if uploads:
        yield Upload(uploads)
    rival = yield from create_record(record, body)
    if rival is not None:
        yield from _give_way(me, Stored.parse(rival, shard=me.shard, seq=record.seq))
    return _position(record, body)


def _give_way(me: Identity, rival: Stored) -> Flow[None]:
    """Another's record stands at our number: find out what that means, and say so by raising."""
    head = yield from find_head(me.shard, after=rival)
    refuse_finished(head, me)
    raise Fenced(f"a newer attempt owns shard {me.shard} from record {rival.record.seq} on")


def _refuse_hopeless(head: Stored | None, me: Identity, limit: int | None) -> Flow[None]:
    """Read before one's own claim, so that a claim at the limit is not made and not counted."""
    if limit is None:
        return
    claims, at = 0, head
    while at is not None and _counts(at, me):
        claims += 1
        if claims >= limit:
            raise NoProgress(
                f"shard {me.shard}: {claims} attempts in a row ended without a commit, at batch "
                f"{at.record.cursor}; see the logs of these attempts"
            )
        at = (yield from _below(at)) if at.record.seq > 1 else None


def _counts(at: Stored, me: Identity) -> bool:
    record = at.record
    return isinstance(record, Claim) and (record.job, record.retry) == (me.job, me.retry)


def _below(at: Stored) -> Flow[Stored]:
    seq = at.record.seq - 1
    found = yield from read(at.record.shard, seq)
    if found is None or found.digest != at.record.prev:
        raise VerificationError(
            f"record {seq} of shard {at.record.shard} is missing or is not the one that record "
            f"{seq + 1} was built on; was the bucket cleaned or restored?"
        )
    return found


def _claim_on(head: Stored | None, me: Identity) -> Claim:
    seq, prev, cursor = (
        (1, None, 0) if head is None else (head.record.seq + 1, head.digest, head.record.cursor)
    )
    return Claim(**_header(me, seq, prev, me.nonce(), cursor), retry=me.retry)


def _header(me: Identity, seq: int, prev: str | None, nonce: str, cursor: int) -> dict[str, object]:
    return {
        "shard": me.shard,
        "seq": seq,
        "prev": prev,
        "nonce": nonce,
        "attempt": me.attempt,
        "job": me.job,
        "cursor": cursor,
        "at": me.now(),
    }


def _body(draft: Draft, prefix: str) -> dict[str, object]:
    return {
        "batches": draft.batches,
        "rows": draft.rows,
        "files": tuple(_named(name, prefix + name, staged) for name, staged in draft.files),
        "reducers": tuple(_reducer(one, prefix, i) for i, one in enumerate(draft.reducers)),
        "metrics": draft.metrics,
        "models": draft.models,
        "spent": draft.spent,
    }


def _named(name: str, key: str, staged: Staged) -> CommittedFile:
    return CommittedFile(name=name, key=key, size=staged.size, sha256=staged.sha256)


def _reducer(one: StagedReducer, prefix: str, number: int) -> ReducerEntry:
    if one.staged is None:
        return one.entry
    key = _reducer_key(prefix, number)
    return one.entry.model_copy(update={"object": _named(one.entry.name, key, one.staged)})


def _reducer_key(prefix: str, number: int) -> str:
    # Beside the files' folder, so that no user's file name can meet it.
    return f"{prefix.removesuffix('/')}.reducers/{number:04d}.json"


def _uploads(draft: Draft, prefix: str) -> tuple[tuple[str, Staged], ...]:
    files = tuple((prefix + name, staged) for name, staged in draft.files)
    values = tuple(
        (_reducer_key(prefix, number), one.staged)
        for number, one in enumerate(draft.reducers)
        if one.staged is not None
    )
    return files + values


def _position(record: Claim | Commit | Seal, body: bytes) -> Position:
    return Position(record.seq, digest(body), record.cursor)
