"""What must hold of any ledger, and of the files it names. Pure; used by finalizer and verify."""

from collections.abc import Iterator, Mapping

from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.records import Claim, Commit, Seal
from batchprocess.protocol.sharding import ShardPlan


def problems(ledger: ShardLedger, plan: ShardPlan, sizes: Mapping[str, int]) -> Iterator[str]:
    """Everything wrong with one shard, a sentence each. `sizes`: key to bytes, of what exists."""
    prev: str | None = None
    cursor, owner, total, sealed = 0, None, plan.size(ledger.shard), False
    for number, stored in enumerate(ledger.records, start=1):
        record = stored.record
        where = f"shard {ledger.shard}, record {number} ({record.type})"
        if record.prev != prev:
            yield f"{where} was not built on the record that stands below it"
        if sealed:
            yield f"{where} stands after a seal"
        if isinstance(record, Claim):
            owner = record.attempt
            if record.cursor != cursor:
                yield f"{where} moves the cursor from {cursor} to {record.cursor}"
        else:
            yield from _body_problems(where, record, cursor, owner, total)
            yield from _missing(where, record, sizes)
        prev, cursor, sealed = stored.digest, record.cursor, isinstance(record, Seal)


def _body_problems(
    where: str, record: Commit | Seal, cursor: int, owner: str | None, total: int
) -> Iterator[str]:
    first, end = record.batches
    if (first, end) != (cursor, record.cursor) or not first <= end <= total:
        yield f"{where} has batches [{first}, {end}) at cursor {cursor} of {total}"
    abandoned = isinstance(record, Seal) and record.outcome == "abandoned"
    if not abandoned and record.attempt != owner:
        yield f"{where} is not by the attempt whose claim is the nearest below"
    if isinstance(record, Seal) and (first != end or not (abandoned or end == total)):
        yield f"{where} ends the shard at batch {end} of {total}"


def _missing(where: str, record: Commit | Seal, sizes: Mapping[str, int]) -> Iterator[str]:
    for item in record.objects():
        size = sizes.get(item.key)
        if size is None:
            yield f"{where} names {item.key}, which is missing"
        elif size != item.size:
            yield f"{where} names {item.key} with {item.size} bytes, but it has {size}"
