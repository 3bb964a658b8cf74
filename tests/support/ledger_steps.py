"""Steps of an attempt on one shard, as the ledger's own code makes them, on any store."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from batchprocess.ledger.attempt import Position, claim, commit, seal
from batchprocess.ledger.draft import Draft, StagedBadRows
from batchprocess.ledger.effects import Staged
from batchprocess.ledger.identity import Identity
from batchprocess.protocol.bad_rows import BadRow, encode_bad_rows
from batchprocess.protocol.run import RunInfo
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage

OLD, YOUNG = "20260101T000000Z-a", "20260102T000000Z-b"
AT = "2026-01-01T00:00:00+00:00"
RUN = RunInfo(rows=10, batch_size=1, batches=10, shards=1, processor="P")
PLAN = ShardPlan(10, 1, 1)


def me(attempt: str = "A", job: str = OLD, retry: int = 0) -> Identity:
    numbers = count()
    return Identity(0, job, attempt, lambda: f"{attempt}-{next(numbers)}", lambda: AT, retry)


def draft(first: int, end: int, text: str = "x", bad: Sequence[int] = ()) -> Draft:
    """Batches of one row; those in `bad` were left out."""
    files = (("out", _staged(text.encode())),) if end > first else ()
    rows = [BadRow(row=row, batch=row, stage="reading", type="ValueError") for row in bad]
    kept = StagedBadRows(len(bad), _staged(encode_bad_rows(rows))) if bad else None
    return Draft((first, end), (first, end), files, bad_rows=kept)


def _staged(body: bytes) -> Staged:
    return Staged(body, len(body), hashlib.sha256(body).hexdigest())


def table_draft(first: int, end: int, text: str = "x") -> Draft:
    """The same file, of `save`."""
    made = draft(first, end, text)
    return replace(made, files=(), tables=tuple(("rows.jsonl", body) for _, body in made.files))


def with_nonces(who: Identity) -> Identity:
    """The same attempt with nonces of the form that keys of tables have."""
    return replace(who, nonce=lambda: who.nonce().encode().hex().ljust(32, "0"))


def claimed(store: Storage, who: Identity) -> Position:
    return perform(claim(who, max_without_progress=3), store).position


def completed(store: Storage, who: Identity) -> Position:
    at = claimed(store, who)
    at = perform(commit(who, at, draft(at.cursor, 10)), store)
    return perform(seal(who, at, draft(10, 10), batches=10), store)
