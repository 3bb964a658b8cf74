"""Run folders made by the ledger's own code, without torch or processes."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count

from batchprocess.ledger.attempt import Position, claim, commit, seal
from batchprocess.ledger.documents import Reduction
from batchprocess.ledger.draft import Draft, StagedBadRows
from batchprocess.ledger.effects import Staged
from batchprocess.ledger.identity import Identity
from batchprocess.ledger.run import open_run, plan_of
from batchprocess.protocol.bad_rows import BadRow, encode_bad_rows
from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.records import MetricEntry, record_key
from batchprocess.protocol.run import LAYOUT, RunInfo
from batchprocess.protocol.spent import Spent
from batchprocess.runs.finish import finish
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage

JOB = "20260101T000000Z-made"
SPENT = Spent(data=30.0, device=50.0, user=20.0)
RUN = RunInfo(rows=10, batch_size=2, batches=5, shards=2, processor="P")


def begin(storage: Storage, run: RunInfo = RUN) -> None:
    """Write run.json."""
    perform(open_run(run), storage)


def work(
    storage: Storage,
    shard: int,
    *,
    end: int | None = None,
    at: str | None = None,
    job: str = JOB,
    run: RunInfo = RUN,
    metrics: tuple[MetricEntry, ...] = (),
    bad: Collection[int] = (),
    say: str = "id",
    saved: bool = False,
) -> None:
    """Claim a shard and commit one batch at a time up to `end`; seal it if that is its end.

    `bad`: dataset rows that are left out; their ids begin with `say`. `saved`: the files are those
    of `save`.
    """
    plan, numbers = plan_of(run), count()
    when = at or datetime.now(UTC).isoformat()
    me = Identity(shard, job, f"a{shard}", lambda: f"{shard}{next(numbers):031x}", lambda: when, 0)
    position: Position = perform(claim(me, max_without_progress=3), storage).position
    for batch in range(position.cursor, plan.size(shard) if end is None else end):
        rows = plan.positions(shard, batch, batch + 1)
        body = "".join(f"{row}\n" for row in range(*rows)).encode()
        staged = Staged(body, len(body), hashlib.sha256(body).hexdigest())
        files, tables = ((), (("rows.jsonl", staged),)) if saved else ((("rows.txt", staged),), ())
        left_out = _bad_rows([row for row in range(*rows) if row in bad], batch, say)
        draft = Draft(
            (batch, batch + 1),
            rows,
            files,
            tables,
            metrics=metrics,
            spent=SPENT,
            bad_rows=left_out,
        )
        position = perform(commit(me, position, draft), storage)
    if position.cursor == plan.size(shard):
        last = plan.size(shard)
        rows = plan.positions(shard, last, last)
        perform(
            seal(me, position, Draft((last, last), rows, (), spent=SPENT), batches=last), storage
        )


def _bad_rows(rows: Sequence[int], batch: int, say: str) -> StagedBadRows | None:
    if not rows:
        return None
    body = encode_bad_rows(
        BadRow(row=row, id=f"{say}{row}", batch=batch, stage="reading", type="ValueError")
        for row in rows
    )
    return StagedBadRows(len(rows), Staged(body, len(body), hashlib.sha256(body).hexdigest()))


def complete(
    storage: Storage,
    metrics: tuple[MetricEntry, ...] = (),
    bad: Collection[int] = (),
    say: str = "id",
    *,
    saved: bool = False,
) -> None:
    """A run from beginning to `_SUCCESS`."""
    begin(storage, RUN.model_copy(update={"layout": LAYOUT if saved else 1}))
    for shard in range(RUN.shards):
        work(storage, shard, metrics=metrics, bad=bad, say=say, saved=saved)
    finish(
        storage,
        job=JOB,
        run_id=storage.uri.rpartition("/")[2],
        reduce=lambda _entries: Reduction({}),
        patience=Patience(5),
        bad_rows_allowed=partial(BadRowLimit.of, "skip", "100%"),
    )


def data_key(run: Storage) -> str:
    """The first file of shard 0."""
    return next(item.key for item in run.list("data/00000/"))


def record(number: int) -> str:
    """The key of a record of shard 0."""
    return record_key(0, number)
