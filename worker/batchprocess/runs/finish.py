"""Driving the finalizer's flows over all shards of a run, in the order that keeps a crash safe."""

import logging
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from batchprocess.ledger.bad_rows.clean import clean_bad_rows
from batchprocess.ledger.documents import Reduction, bad_rows_of, summarize
from batchprocess.ledger.finalize import (
    check,
    clean,
    close,
    finished,
    publish,
    require_final,
    require_sealed,
)
from batchprocess.ledger.identity import Identity
from batchprocess.ledger.job_settings import require_of_run
from batchprocess.ledger.metrics import reducer_entries
from batchprocess.ledger.read import ShardLedger, read_shard
from batchprocess.ledger.run import ANOTHER, plan_of, read_run
from batchprocess.ledger.survey import table_names
from batchprocess.ledger.tables.cleaning import tables_to_clean
from batchprocess.ledger.tables.table_schemas import require_schemas
from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import ReducerEntry
from batchprocess.protocol.run import LAYOUT, RUN_KEY, Asked, RunInfo, Summary
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform, perform_all, perform_each
from batchprocess.runs.tables.delta_schema import tables_with_logs
from batchprocess.storage.base import Storage

_LOG = logging.getLogger("batchprocess")
NO_BAD_ROWS = partial(BadRowLimit.of, "fail", None)
Reduce = Callable[[Mapping[str, Sequence[ReducerEntry]]], Reduction]


def finish(  # noqa: PLR0913  what a job says of its run
    storage: Storage,
    *,
    job: str,
    run_id: str,
    reduce: Reduce,
    patience: Patience,
    asked: Asked | None = None,
    failed: Collection[int] | None = None,
    bad_rows_allowed: Callable[[int], BadRowLimit] = NO_BAD_ROWS,
    delta_log: bool = True,
) -> Summary:
    """Close, check, reduce, publish, clean; a run that is final is only checked and cleaned.

    `reduce` is asked only if a record has reducer values; an error in it is part of the summary,
    because outputs count either way. Of shards without a seal those in `failed` are closed, all if
    it is None; any other is a VerificationError before one is closed. May raise TakenOver,
    VerificationError, StorageError; before anything is written RunMismatch if the run is not of
    what the job has `asked` for, and TooManyBadRows above what is allowed of its rows.
    """
    run = perform(read_run(), storage, patience)
    if run is None:
        raise VerificationError(f"{storage.uri}/{RUN_KEY} is missing: no attempt has begun")
    require_of_run(asked, run, ANOTHER)
    plan, edge = plan_of(run), (storage, patience)
    done = perform(finished(), *edge)
    if done is not None:
        ledgers = _read_all(storage, run.shards, patience)
        _check(ledgers, plan, *edge)
        perform(require_final(ledgers), *edge)
        _clean(run, ledgers, done, *edge)
        return done
    allowed = bad_rows_allowed(plan.processed_rows)
    known = _read_all(storage, run.shards, patience)
    # Before a shard is closed for good: with a higher limit its workers may go on.
    allowed.require(bad_rows_of(known), "the run")
    ledgers = _close_all(job, known, run, failed, *edge)
    allowed.require(bad_rows_of(ledgers), "the run")
    _check(ledgers, plan, *edge)
    reduced = _reduced(ledgers, reduce)
    tables, without = tables_with_logs(run, ledgers, *edge, wanted=delta_log)
    summary = summarize(run_id, run, ledgers, reduced, _now(), without)
    published = perform(publish(summary, ledgers, tables), *edge)
    _clean(run, ledgers, published, *edge)
    return published


def _check(
    ledgers: Sequence[ShardLedger], plan: ShardPlan, storage: Storage, patience: Patience
) -> None:
    perform_all([check([ledger], plan) for ledger in ledgers], storage, patience)
    perform(require_schemas(ledgers), storage, patience)


def _reduced(ledgers: Sequence[ShardLedger], reduce: Reduce) -> Reduction:
    entries = reducer_entries(ledgers)
    if entries:
        return reduce(entries)
    _warn_unless_any_output(ledgers)
    return Reduction({})


def _warn_unless_any_output(ledgers: Sequence[ShardLedger]) -> None:
    if not any(body.files or body.metrics for one in ledgers for body in one.bodies):
        _LOG.warning(
            "the run has no output: no file in upload_path(), no metric, no reducer value; is "
            "on_checkpoint_start misspelt, or were files written outside upload_path()?"
        )


def identity(job: str, shard: int, *, retry: int = 0, source: str | None = None) -> Identity:
    """A fresh attempt of this process on `shard`, with real nonces and the real clock."""
    return Identity(shard, job, _nonce(), _nonce, _now, retry, source)


def _close_all(
    job: str,
    known: Sequence[ShardLedger],
    run: RunInfo,
    failed: Collection[int] | None,
    storage: Storage,
    patience: Patience,
) -> list[ShardLedger]:
    names = [identity(job, shard) for shard in range(run.shards)]
    may = {me.shard for me in names if failed is None or me.shard in failed}
    # First, for an abandoned seal is for good, and an error among the others is not.
    sealed = [require_sealed(me, known[me.shard]) for me in names if me.shard not in may]
    others = iter(perform_all(sealed, storage, patience))
    plan = plan_of(run)
    has_tables = may and run.layout == LAYOUT
    tables = perform(table_names(), storage, patience) if has_tables else ()
    closing = [close(me, plan, known[me.shard], tables) for me in names if me.shard in may]
    closed = iter(perform_all(closing, storage, patience))
    return [next(closed if me.shard in may else others) for me in names]


def _read_all(storage: Storage, shards: int, patience: Patience) -> list[ShardLedger]:
    return perform_all([read_shard(shard) for shard in range(shards)], storage, patience)


def _clean(
    run: RunInfo,
    ledgers: Sequence[ShardLedger],
    summary: Summary,
    storage: Storage,
    patience: Patience,
) -> None:
    without = summary.withoutDeltaLog
    tables = perform(tables_to_clean(without), storage, patience) if run.layout == LAYOUT else ()
    flows = (clean([ledger], tables) for ledger in ledgers)
    refused = sum(len(keys) for keys in perform_each(flows, storage, patience))
    refused += len(perform(clean_bad_rows(ledgers), storage, patience))
    if refused:
        _LOG.warning("%d unused files were left: deleting is not allowed", refused)


def _nonce() -> str:
    return secrets.token_hex(16)


def _now() -> str:
    return datetime.now(UTC).isoformat()
