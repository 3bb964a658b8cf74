"""The edge: runs a flow against a storage, with retries, back-off and a deadline.

Reads, uploads and overwrites are idempotent, so they are repeated here. A create is sent once per
`Create` effect: only the flow knows what a second one means.
"""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from batchprocess.ledger.effects import (
    Create,
    CreateReply,
    Delete,
    Effect,
    Flow,
    Get,
    GetMany,
    ListSizes,
    Pause,
    Put,
    Upload,
)
from batchprocess.protocol.errors import (
    OutcomeUnknown,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from batchprocess.storage.base import Storage

T = TypeVar("T")
PARALLEL = 32
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 10.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long transient failures are borne, and whether a refusal ends the flow at once.

    Before run.json exists nothing is lost by giving up on a refusal (`refusal_is_final`);
    afterwards credentials or quotas may come back, so a refusal is waited out like an outage.
    """

    deadline_seconds: float = 600
    refusal_is_final: bool = False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)


def perform(flow: Flow[T], storage: Storage, patience: Patience | None = None) -> T:
    """Run `flow` to its end and return its result; its errors come through as they are.

    Raises StorageUnavailable when one effect has failed past the deadline.
    """
    worker = _Performer(storage, patience or Patience())
    try:
        effect = next(flow)
        while True:
            effect = flow.send(worker.run(effect))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def perform_all(
    flows: Sequence[Flow[T]], storage: Storage, patience: Patience | None = None
) -> list[T]:
    """Run independent flows side by side; results in order."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(lambda flow: perform(flow, storage, patience), flows))


class _Performer:
    def __init__(self, storage: Storage, patience: Patience) -> None:
        self._storage = storage
        self._patience = patience
        self._create_failing_since: float | None = None

    def run(self, effect: Effect) -> Any:
        store = self._storage
        match effect:
            case Create(key, body):
                return self._create(key, body)
            case Pause(number):
                return self._pause(number)
            case GetMany() | Upload() | Delete():
                return self._run_many(effect)
        return self._settled(lambda: _single(store, effect))

    def _run_many(self, effect: GetMany | Upload | Delete) -> Any:
        match effect:
            case GetMany(keys):
                return self._each(keys, self._storage.get)
            case Upload(items):
                return self._each(items, self._upload)
            case Delete(keys):
                return [key for key in self._each(keys, self._refused) if key is not None]

    def _create(self, key: str, body: bytes) -> CreateReply:
        try:
            created = self._storage.create(key, body)
        except (OutcomeUnknown, StorageDenied, StorageFull) as error:
            # A refusal of this request says nothing of an earlier one that is still under way.
            self._create_failing_since = self._bear(error, self._create_failing_since)
            return CreateReply.UNKNOWN
        # Only an answered create ends the failing: a store may well read but not write.
        self._create_failing_since = None
        return CreateReply.CREATED if created else CreateReply.EXISTS

    def _settled(self, call: Callable[[], T]) -> T:
        number, since = 0, None
        while True:
            try:
                return call()
            except (OutcomeUnknown, StorageDenied, StorageFull) as error:
                since = self._bear(error, since)
                number += 1
                self._pause(number)

    def _each(self, items: Sequence[Any], call: Callable[[Any], T]) -> list[T]:
        if len(items) == 1:
            return [self._settled(lambda: call(items[0]))]
        with ThreadPoolExecutor(min(PARALLEL, max(len(items), 1))) as pool:
            mine = [_Performer(self._storage, self._patience) for _ in items]
            todo = [
                pool.submit(one._settled, lambda item=item: call(item))
                for one, item in zip(mine, items, strict=True)
            ]
            return [task.result() for task in todo]

    def _upload(self, item: tuple[str, Any]) -> None:
        key, staged = item
        if isinstance(staged.source, Path):
            self._storage.upload(key, staged.source)
        else:
            self._storage.put(key, staged.source)

    def _refused(self, key: str) -> str | None:
        try:
            self._storage.delete(key)
        except StorageDenied:
            return key
        return None

    def _bear(self, error: StorageError, since: float | None) -> float:
        """When the failing began; raises once it has lasted too long."""
        if isinstance(error, StorageDenied) and self._patience.refusal_is_final:
            raise error
        now = self._patience.clock()
        began = now if since is None else since
        if now - began >= self._patience.deadline_seconds:
            raise StorageUnavailable(
                f"storage has failed for {now - began:.0f} s, last: {error}"
            ) from error
        return began

    def _pause(self, number: int) -> None:
        # Full jitter: workers that failed together must not come back together.
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(number, 16))
        self._patience.sleep(longest * self._patience.jitter())


def _single(storage: Storage, effect: Get | Put | ListSizes) -> Any:
    match effect:
        case Get(key):
            return storage.get(key)
        case Put(key, body):
            return storage.put(key, body)
        case ListSizes(prefix):
            return {item.key: item.size for item in storage.list(prefix)}
