"""Does this store really let only one create win? Asked once per run, before run.json.

Some stores ignore the condition, others check it and then write: both would let two attempts
own one shard. So the probe races, and never trusts a store's name.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from batchprocess.protocol.errors import OutcomeUnknown, StorageDenied, UnsafeStorage
from batchprocess.runs.patience import ATTENDED, Patience, retry_until_known
from batchprocess.storage.base import Storage

_LOG = logging.getLogger(__name__)
RACERS = 32
ROUNDS = 3
_REMEDY = (
    "two workers could own one shard, and each would overwrite what the other has recorded. Use a "
    "store with conditional writes (If-None-Match), or a file system that all workers share"
)


def probe(storage: Storage, nonce: Callable[[], str], patience: Patience = ATTENDED) -> None:
    """Raise UnsafeStorage if two creates of one key can win; StorageDenied if reading is refused.

    What fails without deciding is tried again, on a fresh key, until `patience` ends
    (StorageUnavailable). Leaves nothing behind under `probe/<nonce>/` if it may delete.
    """
    folder = f"probe/{nonce()}/"
    try:
        retry_until_known(storage.check_access, patience)
        retry_until_known(lambda: _create_twice(storage, f"{folder}twice-{nonce()}"), patience)
        for _ in range(ROUNDS):
            retry_until_known(lambda: _race(storage, f"{folder}race-{nonce()}"), patience)
    finally:
        _remove(storage, folder)


def _create_twice(storage: Storage, key: str) -> None:
    first, second = (storage.create(key, body) for body in (b"first", b"second"))
    if second or not first or storage.get(key) != b"first":
        raise UnsafeStorage(f"{storage.uri}: a second create of one key won; {_REMEDY}")


def _race(storage: Storage, key: str) -> None:
    """One race. A racer whose answer is lost, or who met a 409, accuses nobody."""
    winners = _run_race(storage, key)
    if len(winners) > 1 or (winners and storage.get(key) != winners[0]):
        raise UnsafeStorage(
            f"{storage.uri}: {max(len(winners), 2)} of {RACERS} creates of one key won; {_REMEDY}"
        )
    if not winners:
        raise OutcomeUnknown(f"{storage.uri}: no racer of the probe was told that it had won")


def _run_race(storage: Storage, key: str) -> list[bytes]:
    barrier = Barrier(RACERS)

    def racer(number: int) -> bytes | None:
        body = f"racer {number}".encode()
        barrier.wait()
        try:
            return body if storage.create(key, body) else None
        except OutcomeUnknown:
            return None

    with ThreadPoolExecutor(RACERS) as pool:
        try:
            racing = [pool.submit(racer, number) for number in range(RACERS)]
        except RuntimeError:
            # The process is ending (a probe runs beside the user's `__init__`, which may raise)
            # and starts no more threads; those at the barrier would keep it for ever.
            barrier.abort()
            raise
        return [body for one in racing if (body := one.result()) is not None]


def _remove(storage: Storage, folder: str) -> None:
    try:
        for item in storage.list(folder):
            storage.delete(item.key)
    except (StorageDenied, OutcomeUnknown) as error:
        # Being allowed to write but not to delete is a sound setting for a bucket.
        _LOG.info("left %s/%s behind: %s", storage.uri, folder, error)
