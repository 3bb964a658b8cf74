"""Ledgers become manifest, summary and _SUCCESS (docs/protocol.md, "Finalizing").

The order is what keeps a crash, a second finalizer and a zombie worker harmless: close, check,
reduce, manifest, summary, _SUCCESS, and only then delete. From the moment a shard is sealed
nobody can commit there, so what no record names by then will never be named.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from batchprocess.ledger.create import create, create_record, create_staged
from batchprocess.ledger.documents import manifest_digest, manifest_lines
from batchprocess.ledger.effects import Delete, Flow, Get, Put, Stage, Staged, Sync
from batchprocess.ledger.head import Stored
from batchprocess.ledger.identity import Identity, refuse_taken_over
from batchprocess.ledger.metrics import metric_documents
from batchprocess.ledger.read import ShardLedger, read_shard
from batchprocess.ledger.survey import (
    problems_of,
    require_no_loss,
    require_no_lost_end,
    unnamed_files,
)
from batchprocess.ledger.tables.delta_log import DeltaTable, write_logs
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import Seal, encode, record_key
from batchprocess.protocol.run import (
    MANIFEST_KEY,
    SUCCESS_KEY,
    SUMMARY_KEY,
    Success,
    Summary,
    encode_document,
    parse_document,
)
from batchprocess.protocol.sharding import ShardPlan

_NOT_CLEANED = (
    "was the folder copied in part, or restored? Nothing was deleted; batchprocess verify lists "
    "everything"
)


def require_sealed(me: Identity, known: ShardLedger | None = None) -> Flow[ShardLedger]:
    """The ledger of a shard that must not be closed as failed, for nobody has seen it fail.

    `known`: as it was read before; what is sealed is not read again.
    Raises VerificationError if it has no seal, and TakenOver if a younger job works on it.
    """
    ledger = yield from read_shard(me.shard, known)
    if ledger.outcome is None:
        refuse_taken_over(ledger.head, me)
        raise VerificationError(
            f"shard {me.shard} has no seal at batch {ledger.cursor}, though its worker was taken "
            "for done: nothing was closed; a retry of the job works on it, or another job with "
            "this run's spec.runId"
        )
    yield Sync(record_key(me.shard, len(ledger.records)))
    return ledger


def close(
    me: Identity,
    plan: ShardPlan,
    known: ShardLedger | None = None,
    tables: Sequence[str] = (),
) -> Flow[ShardLedger]:
    """Make sure that shard `me.shard` is sealed: abandon it if it is not. Returns its ledger.

    `tables`: the names of those that the run has, see `table_names`.

    Created like a claim: it may lose to a live commit, and then abandons what stands after it;
    raises TakenOver rather than closing a shard of a younger job, and VerificationError rather
    than putting a seal where a record is lost. `known` as in `require_sealed`.
    """
    ledger = yield from read_shard(me.shard, known)
    while ledger.outcome is None:
        refuse_taken_over(ledger.head, me)
        yield from require_no_loss(ledger)
        yield from require_no_lost_end(ledger, tables)
        record = _abandon(me, ledger.head, plan)
        yield from create_record(record, encode(record))
        ledger = yield from read_shard(me.shard, ledger)
    yield Sync(record_key(me.shard, len(ledger.records)))
    return ledger


def check(ledgers: Sequence[ShardLedger], plan: ShardPlan) -> Flow[None]:
    """Raise VerificationError with the first problem of any of these shards."""
    for ledger in ledgers:
        for problem in (yield from problems_of(ledger, plan)):
            raise VerificationError(problem)


def require_final(ledgers: Sequence[ShardLedger]) -> Flow[None]:
    """Raise VerificationError unless these ledgers are what `_SUCCESS` was written of.

    Only then is it known that what no record names was named by none: a record that is missing
    now, in a copy for instance, may have been there.
    """
    unsealed = [ledger.shard for ledger in ledgers if ledger.outcome is None]
    if unsealed:
        raise VerificationError(
            f"the run has {SUCCESS_KEY}, but the ledger of shard {unsealed[0]} has no seal: "
            f"records are missing; {_NOT_CLEANED}"
        )
    success = yield from read_success()
    if success is None or success.manifest != manifest_digest(ledgers):
        raise VerificationError(
            f"the ledgers do not say what {SUCCESS_KEY} was written of; {_NOT_CLEANED}"
        )


def publish(
    summary: Summary, ledgers: Sequence[ShardLedger], tables: Sequence[DeltaTable] = ()
) -> Flow[Summary]:
    """Write metrics, manifest, logs of `tables`, summary and _SUCCESS, in this order.

    The run is then final.

    The manifest is a pure function of the sealed ledgers, so two finalizers write the same one;
    a different one means that a ledger changed after its seal. The first summary is kept.
    """
    for key, document in metric_documents(ledgers):
        yield Put(key, document)
    manifest: Staged = yield Stage(partial(manifest_lines, ledgers))
    if not (yield from create_staged(MANIFEST_KEY, manifest)):
        raise VerificationError(f"{MANIFEST_KEY} exists and differs from what the ledgers say")
    yield from write_logs(summary.runId, tables, ledgers)
    kept = yield from create(SUMMARY_KEY, encode_document(summary, SUMMARY_KEY))
    success = Success(manifest=manifest.sha256).model_dump_json().encode()
    if (yield from create(SUCCESS_KEY, success)) is not None:
        raise VerificationError(f"{SUCCESS_KEY} exists and names another manifest")
    return summary if kept is None else parse_document(Summary, SUMMARY_KEY, kept)


def clean(ledgers: Iterable[ShardLedger], tables: Sequence[str] = ()) -> Flow[list[str]]:
    """Delete what no record names in data/, and of our own files in these tables.

    Only of ledgers that have become _SUCCESS. Returns the keys that storage refused to delete. Safe
    to repeat, and safe while a fenced attempt is still uploading: what it leaves can never be
    named.
    """
    refused: list[str] = []
    for ledger in ledgers:
        unnamed = yield from unnamed_files(ledger, tables)
        if unnamed:
            refused += yield Delete(unnamed)
    return refused


def finished() -> Flow[Summary | None]:
    """The summary of a run that is final, else None."""
    if (yield from read_success()) is None:
        return None
    body: bytes | None = yield Get(SUMMARY_KEY)
    if body is None:
        raise VerificationError(f"{SUCCESS_KEY} exists but {SUMMARY_KEY} is missing")
    return parse_document(Summary, SUMMARY_KEY, body)


def read_success() -> Flow[Success | None]:
    """_SUCCESS, None before the run is final."""
    body: bytes | None = yield Get(SUCCESS_KEY)
    if body is not None:
        yield Sync(SUCCESS_KEY)
    return None if body is None else parse_document(Success, SUCCESS_KEY, body)


def _abandon(me: Identity, head: Stored | None, plan: ShardPlan) -> Seal:
    cursor = head.record.cursor if head else 0
    positions = plan.positions(me.shard, cursor, cursor)
    return Seal(
        shard=me.shard,
        seq=head.record.seq + 1 if head else 1,
        prev=head.digest if head else None,
        nonce=me.nonce(),
        attempt=me.attempt,
        job=me.job,
        cursor=cursor,
        at=me.now(),
        batches=(cursor, cursor),
        rows=positions,
        outcome="abandoned",
    )
