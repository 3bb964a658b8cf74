"""A fake store in memory that fails on demand, for tests of what calls it."""

import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from batchprocess.storage.base import Content, StoredObject


class FakeMemoryStorage:
    """Implements the storage protocol; `exclusive=False` lets every create win.

    Listings leave out the keys in `unlisted`: they lag behind.
    """

    uri = "fake://memory"

    def __init__(self, *, exclusive: bool = True) -> None:
        self.objects: dict[str, bytes] = {}
        self.unlisted: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.synced: list[str] = []
        self._exclusive = exclusive
        self._lock = threading.Lock()
        self._failures: dict[str, list[Exception]] = defaultdict(list)

    def fail(self, method: str, error: Exception, times: int) -> None:
        """Let the next calls of `method` raise."""
        self._failures[method] += [error] * times

    def _called(self, method: str) -> None:
        self.calls[method] += 1
        if self._failures[method]:
            raise self._failures[method].pop(0)

    def at(self, folder: str) -> "FakeMemoryStorage":
        raise NotImplementedError(folder)

    def get(self, key: str) -> bytes | None:
        self._called("get")
        return self.objects.get(key)

    def sync(self, key: str) -> None:
        self.synced.append(key)

    def create(self, key: str, body: bytes | Path) -> bool:
        if isinstance(body, Path):
            body = body.read_bytes()
        self._called("create")
        with self._lock:
            if key in self.objects and self._exclusive:
                return False
            self.objects[key] = body
        return True

    def put(self, key: str, body: bytes) -> None:
        self._called("put")
        self.objects[key] = body

    def upload(self, key: str, source: Path, content: Content | None = None) -> bool:
        body = source.read_bytes()
        self.put(key, body)
        return content in (None, Content(len(body), hashlib.sha256(body).hexdigest()))

    def read(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        if key not in self.objects:
            raise FileNotFoundError(key)
        yield self.objects[key][start:]

    def stat(self, key: str) -> int | None:
        self._called("stat")
        return len(self.objects[key]) if key in self.objects else None

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        self._called("list")
        shown = self.objects.keys() - self.unlisted
        keys = sorted(key for key in shown if key.startswith(prefix))
        return iter([StoredObject(key, len(self.objects[key])) for key in keys])

    def folders(self, prefix: str = "") -> Iterator[str]:
        below = [key.removeprefix(prefix) for key in self.objects if key.startswith(prefix)]
        yield from sorted({key.split("/")[0] for key in below if "/" in key})

    def delete(self, key: str) -> None:
        self._called("delete")
        self.objects.pop(key, None)

    def leftovers(self, *, before: datetime) -> tuple[str, ...]:
        return ()

    def remove_leftovers(self, *, before: datetime) -> tuple[str, ...]:
        return ()

    def dangers(self) -> tuple[str, ...]:
        return ()

    def check_access(self) -> None:
        self._called("check_access")
