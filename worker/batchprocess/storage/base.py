"""The storage protocol: what the ledger and the command line may ask of a run folder.

Keys are relative to the folder that the storage was opened on, `/`-separated, already checked
by whoever makes them. Errors are those of `protocol.errors.StorageError`; nothing else leaves an
adapter. Adapters do not retry: whoever knows whether a retry is safe does (`runs.perform`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a listing; `size` in bytes, `modified` by the store's clock, if it has one."""

    key: str
    size: int
    modified: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Content:
    """What a file held when it was handed over: bytes, and their sha256 in hex."""

    size: int
    sha256: str


class Storage(Protocol):
    """One folder in a store. Thread-safe; every method may raise a `StorageError`.

    `OutcomeUnknown` means transient: reads may be repeated at once, and so may `put`, `upload`
    and `delete`, which are idempotent. After `create` it means that the write may have happened
    or may still happen later.
    """

    @property
    def uri(self) -> str:
        """The folder's address, without a trailing slash."""

    def at(self, folder: str) -> "Storage":
        """The storage of a folder below this one (no I/O)."""

    def get(self, key: str) -> bytes | None:
        """A small object whole, or None if it is absent. Strongly consistent.

        Its writer may not have survived yet: whoever acts on it calls `sync` before.
        """

    def sync(self, key: str) -> None:
        """What was read at `key`, and beside it, is still there after a power loss from now on."""

    def create(self, key: str, body: bytes | Path) -> bool:
        """Create-only write of an object, or of a file's bytes: True if this very call created it.

        False: the key exists. Durable before it returns True. `OutcomeUnknown`: read the key.
        """

    def put(self, key: str, body: bytes) -> None:
        """Write or overwrite a small object."""

    def upload(self, key: str, source: Path, content: Content | None = None) -> bool:
        """Write a file of any size; durable when it returns; repeatable with equal bytes.

        False if the bytes that were sent are not `content`: somebody has written to `source`
        since, and what may stand at the key must not count. `FileNotFoundError` if it is gone.
        """

    def read(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        """The object's bytes from `start`, in chunks. `FileNotFoundError` if absent."""

    def stat(self, key: str) -> int | None:
        """Size in bytes, or None only if it is absent for sure."""

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Objects whose key begins with `prefix`, in key order; never proof of absence.

        A folder that cannot be read is an error, not an empty one.
        """

    def folders(self, prefix: str = "") -> Iterator[str]:
        """Names one level below `prefix` (which is empty or ends in `/`) that hold objects."""

    def delete(self, key: str) -> None:
        """Remove an object; absent is fine."""

    def leftovers(self, *, before: datetime) -> tuple[str, ...]:
        """What writes that began before then have left behind: no object, but space in use."""

    def remove_leftovers(self, *, before: datetime) -> tuple[str, ...]:
        """Remove these; a write that is still going on would fail, so `before` must be old."""

    def dangers(self) -> tuple[str, ...]:
        """What the store itself would do to objects some day, a sentence each, as far as known."""

    def check_access(self) -> None:
        """Raise `StorageDenied`, with the remedy, if this folder cannot be used. Leaves nothing."""
