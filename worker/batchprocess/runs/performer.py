"""Effects on a storage, one at a time, with retries, back-off and a deadline.

Reads, uploads and overwrites are idempotent, so they are repeated here. A create is sent once per
`Create` effect: only the flow knows what a second one means.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from batchprocess.ledger.effects import (
    Create,
    CreateReply,
    Delete,
    Digest,
    Effect,
    Folders,
    Get,
    GetMany,
    ListSizes,
    Pause,
    Put,
    Sizes,
    Stage,
    Sync,
    Upload,
)
from batchprocess.protocol.errors import FileChanged, OutcomeUnknown, StorageDenied
from batchprocess.runs.download import sha256_of
from batchprocess.runs.parallel import PARALLEL, Threads
from batchprocess.runs.patience import (
    TRANSIENT,
    Patience,
    RetryBudget,
    retry_until_known,
)
from batchprocess.runs.staged_documents import StagedDocuments
from batchprocess.storage.base import Content, Storage

T = TypeVar("T")


class Performer:
    """Does the effects of one flow, or of one after the other."""

    def __init__(
        self, storage: Storage, patience: Patience, requests: Threads | None = None
    ) -> None:
        self._storage = storage
        self._patience, self._requests = patience, requests
        self.documents = StagedDocuments()
        self._creating, self._hiding = RetryBudget(patience), RetryBudget(patience)
        self._hidden: str | None = None

    def run(self, effect: Effect) -> Any:
        """Do it, and return the reply."""
        store = self._storage
        self._patience.refuse_stopped()
        match effect:
            case Create(key, body):
                return self._create(key, body)
            case Pause(number):
                return self._pause(number)
            case Digest(key):
                return sha256_of(store, key, self._patience)
            case Stage(chunks):
                return self.documents.stage(chunks())
            case GetMany() | Sizes() | Upload() | Delete():
                return self._run_many(effect)
        return retry_until_known(lambda: _single(store, effect), self._patience)

    def _run_many(self, effect: GetMany | Sizes | Upload | Delete) -> Any:
        match effect:
            case GetMany(keys):
                return self._each(keys, self._storage.get)
            case Sizes(keys):
                return self._each(keys, self._storage.stat)
            case Upload(items):
                return self._each(items, self._upload)
            case Delete(keys):
                return [key for key in self._each(keys, self._refused) if key is not None]

    def _create(self, key: str, body: bytes | Path) -> CreateReply:
        try:
            created = self._storage.create(key, body)
        except TRANSIENT as error:
            # A refusal of this request says nothing of an earlier one that is still under way.
            self._creating.spend_or_raise(error)
            return CreateReply.UNKNOWN
        # Only an answered create ends the failing: a store may well read but not write.
        self._creating.reset()
        self._hidden = None if created else key
        return CreateReply.CREATED if created else CreateReply.EXISTS

    def _pause(self, number: int) -> None:
        """A flow pauses when the key that it could not create is not there to be read either."""
        if self._hidden is not None:
            error = OutcomeUnknown(f"{self._hidden} is said to exist but cannot be read")
            self._hiding.spend_or_raise(error)
        self._patience.pause(number)

    def _each(self, items: Sequence[Any], call: Callable[[Any], T]) -> list[T]:
        if len(items) == 1:
            return [retry_until_known(lambda: call(items[0]), self._patience)]
        if self._requests is not None:
            return list(self._requests.in_order(_tried(items, call, self._patience)))
        with Threads(min(PARALLEL, max(len(items), 1))) as requests:
            patient = self._patience.until(requests.stopped)
            return list(requests.in_order(_tried(items, call, patient)))

    def _upload(self, item: tuple[str, Any]) -> None:
        key, staged = item
        if not isinstance(staged.source, Path):
            self._storage.put(key, staged.source)
            return
        content, now = Content(staged.size, staged.sha256), "it is gone"
        try:
            if self._storage.upload(key, staged.source, content):
                return
            now = f"now it has {staged.source.stat().st_size}, or other ones"
        except FileNotFoundError:
            pass
        # Sent again it would only differ again, and a record must name what stands.
        raise FileChanged(
            f"file {key.split('/', 3)[-1]!r} changed after it was handed over: it had "
            f"{staged.size} bytes then, {now}; close a file before its upload_path() block ends, "
            "and let nothing write to it or remove it afterwards"
        )

    def _refused(self, key: str) -> str | None:
        try:
            self._storage.delete(key)
        except StorageDenied:
            return key
        return None


def _tried(
    items: Iterable[Any], call: Callable[[Any], T], patience: Patience
) -> Iterator[Callable[[], T]]:
    return (partial(retry_until_known, partial(call, item), patience) for item in items)


def _single(storage: Storage, effect: Get | Sync | Put | ListSizes | Folders) -> Any:
    match effect:
        case Sync(key):
            return storage.sync(key)
        case Get(key):
            return storage.get(key)
        case Put(key, body):
            return storage.put(key, body)
        case Folders(prefix):
            return tuple(storage.folders(prefix))
        case ListSizes(prefix):
            return {item.key: item.size for item in storage.list(prefix)}
