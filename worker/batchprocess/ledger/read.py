"""Reading a shard's whole ledger, and reading it forward while it grows."""

from dataclasses import dataclass

from batchprocess.ledger.effects import Flow, GetMany
from batchprocess.ledger.head import Stored
from batchprocess.protocol.records import Claim, Commit, Seal, record_key

_WINDOW = 32


@dataclass(frozen=True, slots=True)
class ShardLedger:
    """All records of one shard, in order from 1."""

    shard: int
    records: tuple[Stored, ...]

    @property
    def head(self) -> Stored | None:
        """The last record."""
        return self.records[-1] if self.records else None

    @property
    def cursor(self) -> int:
        """Batches committed."""
        return self.head.record.cursor if self.head else 0

    @property
    def outcome(self) -> str | None:
        """`complete` or `abandoned` once sealed."""
        last = self.head.record if self.head else None
        return last.outcome if isinstance(last, Seal) else None

    @property
    def bodies(self) -> tuple[Commit | Seal, ...]:
        """The records that name outputs: commits and the seal."""
        return tuple(s.record for s in self.records if not isinstance(s.record, Claim))

    @property
    def claims(self) -> int:
        """Attempts that owned this shard."""
        return sum(isinstance(stored.record, Claim) for stored in self.records)


def read_shard(shard: int, known: ShardLedger | None = None) -> Flow[ShardLedger]:
    """Every record of `shard`, 32 at a time; goes on behind `known` if given."""
    records = list(known.records) if known else []
    window = 1
    while True:
        first = len(records) + 1
        numbers = range(first, first + window)
        bodies = yield GetMany(tuple(record_key(shard, seq) for seq in numbers))
        for seq, body in zip(numbers, bodies, strict=True):
            # Numbers have no gaps, so the first absent one is the end. A later one of the same
            # window may have been created meanwhile; the next reader will see it.
            if body is None:
                return ShardLedger(shard, tuple(records))
            records.append(Stored.parse(body, shard=shard, seq=seq))
        window = min(_WINDOW, window * 4)
