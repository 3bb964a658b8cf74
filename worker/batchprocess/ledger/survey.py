"""What of a ledger is there: records behind a lost one, and the objects that records name.

A listing shows what stands, but may lag behind: what it leaves out is asked for by name before it
counts as missing.
"""

from collections.abc import Mapping, Sequence

from batchprocess.ledger.check import problems
from batchprocess.ledger.effects import Flow, Folders, Get, ListSizes, Sizes
from batchprocess.ledger.head import Stored
from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.file_names import (
    TABLES,
    bad_rows_folder,
    data_folder,
    is_data_key,
    is_table,
    place_of_record,
    record_of_data,
    shard_of_table_file,
    stem_of_table_file,
    table_prefix,
)
from batchprocess.protocol.records import ledger_prefix, record_key
from batchprocess.protocol.sharding import ShardPlan


def problems_of(ledger: ShardLedger, plan: ShardPlan) -> Flow[tuple[str, ...]]:
    """Everything wrong with one shard as it stands now, a sentence each."""
    lost = yield from _lost_record(ledger)
    sizes = yield from _sizes(ledger)
    return (*([] if lost is None else [lost]), *problems(ledger, plan, sizes))


def require_no_loss(ledger: ShardLedger) -> Flow[None]:
    """Raise VerificationError if the ledger goes on behind the first number that is absent."""
    lost = yield from _lost_record(ledger)
    if lost is not None:
        raise VerificationError(lost)


def require_no_lost_end(ledger: ShardLedger, tables: Sequence[str]) -> Flow[None]:
    """Raise VerificationError if files are there of a record that can only follow one that is lost.

    For who is about to close the shard for good. Who goes on with it does lost batches again.
    """
    shard, last = ledger.shard, len(ledger.records)
    listed = yield from files_of_shard(shard, tables)
    listed = {**listed, **(yield ListSizes(bad_rows_folder(shard)))}
    of_record = max((record_of_data(key) or 0 for key in listed), default=0)
    # It may have grown since it was read.
    if of_record > last + 1 and (yield Get(record_key(shard, last + 1))) is None:
        raise VerificationError(
            f"shard {shard} ends at record {last}, although it has files of record "
            f"{of_record}, which only follows on record {of_record - 1}: its last records are "
            "missing; was the bucket cleaned, copied in part, or restored? Its workers would do "
            "the lost batches again"
        )


def require_end(shard: int, head: Stored | None) -> Flow[bool]:
    """Whether `head` still is the last record, with two reads at most and no listing.

    Raises VerificationError if the number behind it is absent although the one after that stands.
    """
    number = 1 if head is None else head.record.seq + 1
    if (yield Get(record_key(shard, number + 1))) is None:
        return True
    # It was created by somebody who knew that the number below it stood.
    if (yield Get(record_key(shard, number))) is None:
        raise VerificationError(_lost(shard, number, number + 1))
    return False


def table_names() -> Flow[tuple[str, ...]]:
    """All tables of a run that has any, also those of which no record has a file."""
    found: tuple[str, ...] = yield Folders(TABLES)
    return tuple(stem for stem in found if is_table(stem))


def files_of_shard(shard: int, tables: Sequence[str]) -> Flow[dict[str, int]]:
    """Bytes of the shard's own files by key, in `data/` and in these tables."""
    own: dict[str, int] = yield ListSizes(data_folder(shard))
    for stem in tables:
        listed: dict[str, int] = yield ListSizes(table_prefix(stem, shard))
        # A table may be somebody's else, too: we know only keys of our own form.
        found = {key: size for key, size in listed.items() if shard_of_table_file(key) == shard}
        own = own | found
    return own


def unnamed_files(ledger: ShardLedger, tables: Sequence[str]) -> Flow[tuple[str, ...]]:
    """Keys of the shard's files that no record names; of a sealed shard none ever will."""
    present = yield from files_of_shard(ledger.shard, tables)
    named = {item.key for body in ledger.bodies for item in body.objects()}
    return tuple(key for key in present if key not in named)


def _lost_record(ledger: ShardLedger) -> Flow[str | None]:
    """What is to be said of the first absent record, if there are some behind it."""
    shard, number = ledger.shard, len(ledger.records) + 1
    listed = yield ListSizes(ledger_prefix(shard))
    behind = max(((place_of_record(key) or (0, 0))[1] for key in listed), default=0)
    if behind <= number and (yield Get(record_key(shard, number + 1))) is not None:
        behind = number + 1
    if behind <= number or (yield Get(record_key(shard, number))) is not None:
        # The shard may have grown since its ledger was read.
        return None
    return _lost(shard, number, behind)


def _lost(shard: int, number: int, behind: int) -> str:
    return (
        f"record {number} of shard {shard} is missing, although record {behind} stands: was the "
        "bucket cleaned, copied in part, or restored?"
    )


def _sizes(ledger: ShardLedger) -> Flow[Mapping[str, int]]:
    """Bytes of every object that the shard's records name, of those that are there."""
    named = [item for body in ledger.bodies for item in body.objects()]
    tables = {stem for item in named if (stem := stem_of_table_file(item.key)) is not None}
    listed = yield from files_of_shard(ledger.shard, sorted(tables))
    if any(body.bad_rows is not None for body in ledger.bodies):
        listed = {**listed, **(yield ListSizes(bad_rows_folder(ledger.shard)))}
    doubted = tuple(
        {
            item.key
            for item in named
            if listed.get(item.key) != item.size and is_data_key(item.key, ledger.shard)
        }
    )
    asked: list[int | None] = (yield Sizes(doubted)) if doubted else []
    found = zip(doubted, asked, strict=True)
    return {**listed, **{key: size for key, size in found if size is not None}}
