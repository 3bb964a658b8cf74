"""Steps of an attempt on one shard, as the ledger's own code makes them, on any store."""

import hashlib
from itertools import count

from batchprocess.ledger.attempt import Position, claim, commit, seal
from batchprocess.ledger.draft import Draft
from batchprocess.ledger.effects import Staged
from batchprocess.ledger.identity import Identity
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


def draft(first: int, end: int, text: str = "x") -> Draft:
    body = text.encode()
    staged = Staged(body, len(body), hashlib.sha256(body).hexdigest())
    files = (("out", staged),) if end > first else ()
    return Draft((first, end), (first, end), files)


def claimed(store: Storage, who: Identity) -> Position:
    return perform(claim(who, max_without_progress=3), store).position


def completed(store: Storage, who: Identity) -> Position:
    at = claimed(store, who)
    at = perform(commit(who, at, draft(at.cursor, 10)), store)
    return perform(seal(who, at, draft(10, 10), batches=10), store)
