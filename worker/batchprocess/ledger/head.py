"""Finding the last record of a shard. Numbers have no gaps, and LIST is never trusted."""

from dataclasses import dataclass

from batchprocess.ledger.effects import Flow, Get, Sync
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import Claim, Commit, Seal, decode, digest, record_key


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it stands in storage, and the digest of its very bytes."""

    record: Claim | Commit | Seal
    digest: str

    @classmethod
    def parse(cls, body: bytes, *, shard: int, seq: int) -> "Stored":
        """Read stored bytes; `VerificationError` if they are not that record."""
        return cls(decode(body, shard=shard, seq=seq), digest(body))


def read(shard: int, seq: int) -> Flow[Stored | None]:
    """Record `seq` of `shard`, or None."""
    body: bytes | None = yield Get(record_key(shard, seq))
    return None if body is None else Stored.parse(body, shard=shard, seq=seq)


def durable_head(shard: int, *, after: Stored | None = None) -> Flow[Stored | None]:
    """As `find_head`, for whoever acts on what he finds: it will survive a power loss."""
    head = yield from find_head(shard, after=after)
    if head is not None:
        yield Sync(record_key(shard, head.record.seq))
    return head


def find_head(shard: int, *, after: Stored | None = None) -> Flow[Stored | None]:
    """The last record of `shard`, None if there is none; `after` is one known to stand.

    Probes 1, 2, 4, ... ahead until one is absent, bisects, then goes forward until the next is
    absent: records may be added while we look, and none is ever removed. At most 2 log2(n) + 4
    reads for n records behind `after` that nobody adds to.
    """
    low, step = after, 1
    absent: int | None = None
    while True:
        base = low.record.seq if low else 0
        number = base + step if absent is None else max((base + absent) // 2, base + 1)
        found = yield from read(shard, number)
        if found is None and number == base + 1:
            return low
        if found is None:
            absent = number
        elif number == absent:
            # It was created since we found it absent: how far the ledger goes is open again.
            low, step, absent = found, 1, None
        else:
            low, step = found, step * 2


def below(at: Stored) -> Flow[Stored]:
    """The record that `at` was built on; VerificationError if another stands there, or none."""
    seq = at.record.seq - 1
    found = yield from read(at.record.shard, seq)
    if found is None or found.digest != at.record.prev:
        raise VerificationError(
            f"record {seq} of shard {at.record.shard} is missing or is not the one that record "
            f"{seq + 1} was built on; was the bucket cleaned or restored?"
        )
    return found
