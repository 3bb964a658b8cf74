"""Does this store really let only one create win? Asked once per run, before run.json.

Some stores ignore the condition, others check it and then write: both would let two attempts
own one shard. So the probe races, and never trusts a store's name.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from batchprocess.protocol.errors import OutcomeUnknown, StorageDenied, UnsafeStorage
from batchprocess.storage.base import Storage

_LOG = logging.getLogger(__name__)
RACERS = 32
ROUNDS = 3
_TRIES = 3
_REMEDY = (
    "two workers could own one shard. Use a store with conditional writes (If-None-Match), or set "
    "output.fencing: none to run without this protection"
)


def probe(storage: Storage, nonce: Callable[[], str]) -> None:
    """Raise UnsafeStorage if two creates of one key can win; StorageDenied if reading is refused.

    Leaves nothing behind under `probe/<nonce>/` if it may delete.
    """
    storage.check_access()
    folder = f"probe/{nonce()}/"
    try:
        _create_twice(storage, f"{folder}twice")
        for number in range(ROUNDS):
            _race(storage, f"{folder}{number}")
    finally:
        _remove(storage, folder)


def _create_twice(storage: Storage, key: str) -> None:
    first, second = (storage.create(key, body) for body in (b"first", b"second"))
    if second or not first or storage.get(key) != b"first":
        raise UnsafeStorage(f"{storage.uri}: a second create of one key won; {_REMEDY}")


def _race(storage: Storage, name: str) -> None:
    for number in range(_TRIES):
        # A used key cannot be raced again, and a lost answer decides nothing: take a fresh one.
        key = f"{name}-{number}"
        try:
            winners = _run_race(storage, key)
        except OutcomeUnknown:
            continue
        if len(winners) != 1 or storage.get(key) != winners[0]:
            raise UnsafeStorage(
                f"{storage.uri}: {len(winners)} of {RACERS} creates of one key won; {_REMEDY}"
            )
        return
    raise OutcomeUnknown(f"{storage.uri}: the probe could not finish a race in {_TRIES} tries")


def _run_race(storage: Storage, key: str) -> list[bytes]:
    barrier = Barrier(RACERS)

    def racer(number: int) -> bytes | None:
        body = f"racer {number}".encode()
        barrier.wait()
        return body if storage.create(key, body) else None

    with ThreadPoolExecutor(RACERS) as pool:
        return [body for body in pool.map(racer, range(RACERS)) if body is not None]


def _remove(storage: Storage, folder: str) -> None:
    try:
        for item in storage.list(folder):
            storage.delete(item.key)
    except (StorageDenied, OutcomeUnknown):
        # Being allowed to write but not to delete is a sound setting for a bucket.
        _LOG.info("left %s/%s behind: deleting is not allowed", storage.uri, folder)
