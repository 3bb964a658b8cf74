"""Notes that attempts have left of failures of user code. Information only: none fails a reader."""

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from batchprocess.protocol.errors import BatchProcessError
from batchprocess.protocol.file_names import failure_prefix
from batchprocess.runs.parallel import PARALLEL
from batchprocess.runs.patience import Patience, retry_until_known
from batchprocess.storage.base import Storage, StoredObject

_NAME = re.compile(r"/failed-(\d{1,15})-[0-9a-f]+\.json$")
_BRIEF = Patience(3, refusal_is_final=True)
MAX_SHARDS = PARALLEL
MAX_LISTED, MAX_READ, MAX_BYTES = 1_000, 3, 1 << 16
MAX_CHARACTERS = 1_200
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Failure:
    """What a note says: the shard's batch, a sentence, and when (None if the store can't tell)."""

    batch: int
    error: str
    at: datetime | None


def last_failures(storage: Storage, cursors: Mapping[int, int]) -> dict[int, Failure]:
    """The newest note of each shard at its cursor or behind it: batches before it have succeeded.

    Looks at 32 shards at most, with one listing each.
    """
    some = list(islice(cursors.items(), MAX_SHARDS))
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = list(pool.map(lambda one: _last(storage, *one), some))
    pairs = zip(some, found, strict=True)
    return {shard: failure for (shard, _), failure in pairs if failure is not None}


def _last(storage: Storage, shard: int, cursor: int) -> Failure | None:
    try:
        return next(_newest(storage, shard, cursor), None)
    except BatchProcessError:
        return None


def _newest(storage: Storage, shard: int, cursor: int) -> Iterator[Failure]:
    prefix = failure_prefix(shard)
    listed = retry_until_known(lambda: list(islice(storage.list(prefix), MAX_LISTED)), _BRIEF)
    notes = [(_batch(item), item) for item in listed if _batch(item) >= cursor]
    notes.sort(key=lambda note: note[1].modified or _LONG_AGO, reverse=True)
    for batch, item in notes[:MAX_READ]:
        error = _sentence(retry_until_known(partial(storage.get, item.key), _BRIEF))
        if error:
            yield Failure(batch, error, item.modified)


def _batch(item: StoredObject) -> int:
    """Of the note; -1 if it is none, or larger than any that was ever written."""
    named = _NAME.search(item.key)
    return -1 if named is None or item.size > MAX_BYTES else int(named[1])


def _sentence(body: bytes | None) -> str:
    try:
        error = json.loads(body or b"null")["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return " ".join(error.split())[:MAX_CHARACTERS] if isinstance(error, str) else ""
