"""Reading a shard's whole ledger, and reading it forward while it grows."""

from collections.abc import Iterator
from dataclasses import dataclass

from batchprocess.ledger.effects import Flow, GetMany
from batchprocess.ledger.head import Stored
from batchprocess.ledger.packed_records import PackedRecords
from batchprocess.protocol.records import Claim, Commit, Seal, record_key

_WINDOW = 32


@dataclass(frozen=True, slots=True)
class ShardLedger:
    """All records of one shard, in order from 1."""

    shard: int
    records: PackedRecords

    @property
    def head(self) -> Stored | None:
        """The last record."""
        return self.records.last

    @property
    def cursor(self) -> int:
        """Batches committed."""
        head = self.head
        return head.record.cursor if head else 0

    @property
    def outcome(self) -> str | None:
        """`complete` or `abandoned` once sealed."""
        head = self.head
        return head.record.outcome if head and isinstance(head.record, Seal) else None

    @property
    def bodies(self) -> Iterator[Commit | Seal]:
        """The records that name outputs: commits and the seal, one at a time."""
        return (s.record for s in self.records if not isinstance(s.record, Claim))

    @property
    def claims(self) -> int:
        """Attempts that owned this shard."""
        return sum(isinstance(stored.record, Claim) for stored in self.records)


def read_shard(shard: int, known: ShardLedger | None = None) -> Flow[ShardLedger]:
    """Every record of `shard`, 32 at a time; goes on behind `known`, unless it is sealed."""
    if known is not None and known.outcome is not None:
        return known
    records = known.records if known else PackedRecords(shard)
    window = 1
    while True:
        first = len(records) + 1
        bodies: list[bytes | None] = yield GetMany(
            tuple(record_key(shard, seq) for seq in range(first, first + window))
        )
        # Numbers have no gaps, so the first absent one is the end. A later one of the same
        # window may have been created meanwhile; the next reader will see it.
        end = bodies.index(None) if None in bodies else window
        found = [body for body in bodies[:end] if body is not None]
        records = records.followed_by(found)
        if end < window:
            return ShardLedger(shard, records)
        window = min(_WINDOW, window * 4)
