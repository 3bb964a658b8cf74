"""Who works on a shard, and who may not begin to."""

from collections.abc import Callable
from dataclasses import dataclass

from batchprocess.ledger.head import Stored
from batchprocess.protocol.errors import ShardClosed, ShardSealed, TakenOver
from batchprocess.protocol.records import Seal


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
