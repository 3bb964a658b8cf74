"""Reading the bad rows that records name, and comparing them with what the records say."""

import hashlib
from collections.abc import Iterable, Iterator

from batchprocess.protocol.bad_rows import BadRow, decode_bad_rows
from batchprocess.protocol.bad_rows.bad_row import MAX_LINE_BYTES
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import Commit, CommittedFile, Seal
from batchprocess.protocol.rows.dataset_rows import DatasetRows
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.download import chunks
from batchprocess.runs.patience import ATTENDED, Patience
from batchprocess.storage.base import Storage


def read_bad_rows(
    storage: Storage,
    body: Commit | Seal,
    plan: ShardPlan,
    rows: DatasetRows,
    patience: Patience = ATTENDED,
) -> Iterator[BadRow]:
    """The rows that one record has left out, ascending, one at a time; `rows`: those of its run.

    Raises VerificationError for an object that is not the one that was committed, or that has other
    rows than the record can have; by its digest only behind the last row. FileNotFoundError if
    there is no object.
    """
    kept = body.bad_rows
    if kept is None or kept.object is None:
        return
    key, count, skipped = kept.object.key, 0, 0
    for row in decode_bad_rows(_lines(storage, kept.object, patience), key):
        by_hand = row.stage == "skipped"
        count, skipped = count + (not by_hand), skipped + by_hand
        position = rows.position_of(row.row)
        if position is None or not body.rows[0] <= position < body.rows[1]:
            raise VerificationError(f"{key} has row {row.row}, which its record has not")
        batch = plan.batch_at(position) - plan.first_batch(body.shard)
        if row.batch != batch:
            raise VerificationError(f"{key} has row {row.row} in batch {row.batch}, not in {batch}")
        yield row
    if count != kept.count:
        raise VerificationError(f"{key} has {count} bad rows, its record {kept.count}")
    if skipped != kept.skipped:
        left_out = f"{skipped} rows that were left out by hand"
        raise VerificationError(f"{key} has {left_out}, its record {kept.skipped}")


def _lines(storage: Storage, item: CommittedFile, patience: Patience) -> Iterator[bytes]:
    digest = hashlib.sha256()
    yield from _split(chunks(storage, item.key, patience), digest, item.key)
    if digest.hexdigest() != item.sha256:
        raise VerificationError(f"{item.key} was changed: its digest is not the one in the ledger")


def _split(parts: Iterable[bytes], digest: "hashlib._Hash", key: str) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        digest.update(part)
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE_BYTES:
            raise VerificationError(f"{key} has a line of more than {MAX_LINE_BYTES} bytes")
    if rest:
        yield rest
