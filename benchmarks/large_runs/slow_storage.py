"""A local folder that takes its time, as a store far away does."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from batchprocess.storage.base import StoredObject
from batchprocess.storage.local import LocalStorage

PAGE = 1_000
"""Keys in one answer to a listing."""


class SlowStorage(LocalStorage):
    """Each call waits `seconds` first, as for a store far away. `calls`: how many there were."""

    def __init__(self, root: Path, seconds: float) -> None:
        super().__init__(root)
        self._seconds, self._numbers = seconds, count(1)
        self.calls = 0

    def _wait(self) -> None:
        self.calls = next(self._numbers)
        time.sleep(self._seconds)

    def sync(self, key: str) -> None:
        """No call: a store has nothing to do."""

    def get(self, key: str) -> bytes | None:
        """One call."""
        self._wait()
        return super().get(key)

    def create(self, key: str, body: bytes | Path) -> bool:
        """One call."""
        self._wait()
        return super().create(key, body)

    def put(self, key: str, body: bytes) -> None:
        """One call."""
        self._wait()
        super().put(key, body)

    def read(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        """One call, however many chunks come."""
        self._wait()
        yield from super().read(key, start=start)

    def stat(self, key: str) -> int | None:
        """One call."""
        self._wait()
        return super().stat(key)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """A call for every page."""
        self._wait()
        for number, item in enumerate(super().list(prefix)):
            if number and number % PAGE == 0:
                self._wait()
            yield item

    def delete(self, key: str) -> None:
        """One call."""
        self._wait()
        super().delete(key)
