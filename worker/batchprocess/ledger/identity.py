"""Who works on a shard, and who may not begin to."""

from collections.abc import Callable
from dataclasses import dataclass

from batchprocess.ledger.effects import Flow
from batchprocess.ledger.head import Stored, below
from batchprocess.protocol.errors import Fenced, NoProgress, ShardClosed, ShardSealed, TakenOver
from batchprocess.protocol.records import Claim, Seal


@dataclass(frozen=True, slots=True)
class Identity:
    """Who claims: one process start (`attempt`, a nonce) of a `job`, on one shard.

    `nonce` draws a fresh 128-bit hex string, `now` gives RFC 3339 UTC (information only).
    `source`: digest of the files of `spec.source`, None without.
    """

    shard: int
    job: str
    attempt: str
    nonce: Callable[[], str]
    now: Callable[[], str]
    retry: int = 0
    source: str | None = None


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


def refuse_hopeless(head: Stored | None, me: Identity, limit: int | None) -> Flow[None]:
    """Raise NoProgress if `limit` tries in a row have ended without a commit.

    Read before one's own claim, so that a claim at the limit is not made and not counted.
    """
    if limit is None:
        return
    claims, at = 0, head
    while at is not None and isinstance(at.record, Claim) and _is_of_job(at.record, me):
        claims += at.record.follows is None  # else the try is that of the claim below
        if claims >= limit:
            raise NoProgress(
                f"shard {me.shard}: {claims} attempts in a row ended without a commit, at batch "
                f"{at.record.cursor}; see the logs of these attempts"
            )
        at = (yield from below(at)) if at.record.seq > 1 else None


def _is_of_job(record: Claim, me: Identity) -> bool:
    return (record.job, record.retry) == (me.job, me.retry)


def require_followed(head: Stored | None, me: Identity, follows: str | None) -> None:
    """Raise Fenced if `head` is not of the attempt that `me` goes on with, if with any."""
    if follows is not None and (head is None or head.record.attempt != follows):
        raise Fenced(f"a newer attempt owns shard {me.shard} than the one that this goes on with")
