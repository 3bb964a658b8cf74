"""The edge: runs a flow against a storage, with retries, back-off and a deadline.

Reads, uploads and overwrites are idempotent, so they are repeated here. A create is sent once per
`Create` effect: only the flow knows what a second one means.
"""

import logging
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
from batchprocess.protocol.backoff import Backoff
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
_BACKOFF = Backoff(0.1, 10.0)
_FIRST_SECONDS, _AGAIN_SECONDS = 5.0, 60.0
"""When a person is told that storage fails: hiccups are not worth a line."""
_LOG = logging.getLogger("batchprocess")
TRANSIENT = (OutcomeUnknown, StorageDenied, StorageFull)


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


class Trouble:
    """One thing that keeps failing: how long it has, and the wait before it is tried again."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since: float | None = None
        self._told = _FIRST_SECONDS
        self._number = 0

    def bear(self, error: StorageError, *, wait: bool = True) -> None:
        """Wait and return, or raise StorageUnavailable once this has lasted too long."""
        if isinstance(error, StorageDenied) and self._patience.refusal_is_final:
            raise error
        now = self._patience.clock()
        self._since = now if self._since is None else self._since
        lasted = now - self._since
        if lasted >= self._patience.deadline_seconds:
            raise StorageUnavailable(
                f"storage has failed for {lasted:.0f} s, last: {error}"
            ) from error
        if lasted >= self._told:
            _LOG.warning("storage has failed for %.0f s and is tried again: %s", lasted, error)
            self._told = lasted + _AGAIN_SECONDS
        if wait:
            self._number += 1
            pause(self._patience, self._number)

    def over(self) -> None:
        """It worked: the next failure begins anew."""
        self._since, self._told, self._number = None, _FIRST_SECONDS, 0


def pause(patience: Patience, number: int) -> None:
    """Wait after failure `number`."""
    patience.sleep(_BACKOFF.jittered(number, patience.jitter))


ATTENDED = Patience(30, refusal_is_final=True)
"""For a command that a person is waiting for."""


def perform(flow: Flow[T], storage: Storage, patience: Patience = ATTENDED) -> T:
    """Run `flow` to its end and return its result; its errors come through as they are.

    Raises StorageUnavailable when one effect has failed past the deadline.
    """
    worker = _Performer(storage, patience)
    try:
        effect = next(flow)
        while True:
            effect = flow.send(worker.run(effect))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def settle(call: Callable[[], T], patience: Patience = ATTENDED) -> T:
    """Repeat an idempotent `call` until its outcome is known; errors as `perform`."""
    trouble = Trouble(patience)
    while True:
        try:
            return call()
        except TRANSIENT as error:
            trouble.bear(error)


def perform_all(
    flows: Sequence[Flow[T]], storage: Storage, patience: Patience = ATTENDED
) -> list[T]:
    """Run independent flows side by side; results in order."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(lambda flow: perform(flow, storage, patience), flows))


class _Performer:
    def __init__(self, storage: Storage, patience: Patience) -> None:
        self._storage = storage
        self._patience = patience
        self._creating, self._hiding = Trouble(patience), Trouble(patience)
        self._taken: str | None = None

    def run(self, effect: Effect) -> Any:
        store = self._storage
        match effect:
            case Create(key, body):
                return self._create(key, body)
            case Pause(number):
                return self._pause(number)
            case GetMany() | Upload() | Delete():
                return self._run_many(effect)
        return settle(lambda: _single(store, effect), self._patience)

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
        except TRANSIENT as error:
            # A refusal of this request says nothing of an earlier one that is still under way.
            self._creating.bear(error, wait=False)
            return CreateReply.UNKNOWN
        # Only an answered create ends the failing: a store may well read but not write.
        self._creating.over()
        self._taken = None if created else key
        return CreateReply.CREATED if created else CreateReply.EXISTS

    def _pause(self, number: int) -> None:
        """A flow pauses when the key that it could not create is not there to be read either."""
        if self._taken is not None:
            error = OutcomeUnknown(f"{self._taken} is said to exist but cannot be read")
            self._hiding.bear(error, wait=False)
        pause(self._patience, number)

    def _each(self, items: Sequence[Any], call: Callable[[Any], T]) -> list[T]:
        if len(items) == 1:
            return [settle(lambda: call(items[0]), self._patience)]
        with ThreadPoolExecutor(min(PARALLEL, max(len(items), 1))) as pool:
            todo = [
                pool.submit(settle, lambda item=item: call(item), self._patience) for item in items
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


def _single(storage: Storage, effect: Get | Put | ListSizes) -> Any:
    match effect:
        case Get(key):
            return storage.get(key)
        case Put(key, body):
            return storage.put(key, body)
        case ListSizes(prefix):
            return {item.key: item.size for item in storage.list(prefix)}
