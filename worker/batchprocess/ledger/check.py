"""What must hold of any ledger, and of the files it names. Pure; used by finalizer and verify."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.file_names import (
    bad_rows_key,
    check_name,
    is_metric_group,
    is_own_table_key,
    is_reducer_key,
)
from batchprocess.protocol.records import Claim, Commit, KeptBadRows, Seal, Span, data_prefix
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.protocol.tables.table_schema import has_schema


def problems(ledger: ShardLedger, plan: ShardPlan, sizes: Mapping[str, int]) -> Iterator[str]:
    """Everything wrong with one shard, a sentence each. `sizes`: key to bytes, of what exists."""
    prev: str | None = None
    cursor, owner, total, sealed = 0, None, plan.size(ledger.shard), False
    bad_rows = 0
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
            yield from _content_problems(where, record, plan)
            yield from _missing(where, record, sizes)
            if record.bad_rows is not None:
                bad_rows += record.bad_rows.count
                yield from _bad_row_problems(where, record, record.bad_rows, bad_rows)
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


def _content_problems(where: str, record: Commit | Seal, plan: ShardPlan) -> Iterator[str]:
    """What no honest writer does: readers make files of these names, and count these rows."""
    positions = plan.positions(record.shard, *record.batches)
    if record.rows != positions:
        yield f"{where} says rows {_span(record.rows)}, but its batches have {_span(positions)}"
    yield from (f"{where} {what}" for what in _name_problems([file.name for file in record.files]))
    prefix = data_prefix(record.shard, record.seq, record.nonce)
    if "/" in record.nonce:
        yield f"{where} has the nonce {record.nonce!r:.100}, which names other folders"
    yield from _file_problems(where, record, prefix)
    for value in record.reducers:
        if value.object is not None and not is_reducer_key(value.object.key, prefix):
            yield f"{where} keeps a reducer at {value.object.key!r:.600}, which is not its own"
    for group in sorted({entry.group for entry in record.metrics}):
        if not is_metric_group(group):
            yield f"{where} has metric group {group!r:.600}, which cannot name a file"


def _file_problems(where: str, record: Commit | Seal, prefix: str) -> Iterator[str]:
    for file in record.files:
        own = record.shard, record.seq, record.nonce
        of_table = is_own_table_key(file.key, file.name, *own)
        if of_table and has_schema(file.name) and file.name not in record.schemas:
            yield f"{where} has {file.key}, and no schema of {file.name!r:.600}"
        if file.key != prefix + file.name and not of_table:
            yield (
                f"{where} names {file.key!r:.600}, which is not below its own {prefix} and no file "
                "of a table of its own"
            )
    for name in sorted(record.schemas.keys() - {file.name for file in record.files}):
        yield f"{where} goes by a schema of {name!r:.600}, and has no such file"


def _bad_row_problems(
    where: str, record: Commit | Seal, kept: KeptBadRows, total: int
) -> Iterator[str]:
    """`total`: what the records up to this one count."""
    rows = record.rows[1] - record.rows[0]
    left_out = kept.count + kept.skipped
    said = f"{left_out} rows left out" if kept.skipped else f"{left_out} bad rows"
    if left_out > rows:
        yield f"{where} has {said} of {rows}"
    # It may be less: an attempt of an older version counts none.
    if kept.total > total:
        yield f"{where} says that the shard has {kept.total} bad rows, but its records have {total}"
    own = bad_rows_key(data_prefix(record.shard, record.seq, record.nonce))
    if (kept.object is None) != (left_out == 0):
        yield f"{where} has {said} and names {'no' if left_out else 'an'} object"
    elif kept.object is not None and kept.object.key != own:
        yield f"{where} keeps bad rows at {kept.object.key!r:.600}, which is not {own}"


def _name_problems(names: list[str]) -> Iterator[str]:
    """Of the files of one commit."""
    for name in names:
        try:
            check_name(name)
        except ValueError as error:
            yield f"names what it must not: {error}"
    for name, times in Counter(names).items():
        if times > 1:
            yield f"names {name!r} {times} times"
    above = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    for name in sorted(above & set(names)):
        yield f"names {name!r} as a file and as a folder"


def _span(span: Span) -> str:
    return f"[{span[0]}, {span[1]})"


def _missing(where: str, record: Commit | Seal, sizes: Mapping[str, int]) -> Iterator[str]:
    for item in record.objects():
        size = sizes.get(item.key)
        if size is None:
            yield f"{where} names {item.key}, which is missing"
        elif size != item.size:
            yield f"{where} names {item.key} with {item.size} bytes, but it has {size}"
