"""Copying a folder to the run, again and again."""

import threading
from pathlib import Path

from batchprocess.runs.patience import Patience, retry_until_known
from batchprocess.storage.base import Storage


class FolderSync:
    """A local folder that is copied to storage; unchanged files are not sent again."""

    def __init__(self, path: Path, prefix: str) -> None:
        self._path, self._prefix = path, prefix
        self._sent: dict[Path, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def sync(self, storage: Storage) -> None:
        """Copy what is new or has changed."""
        with self._lock:
            for path in sorted(self._path.rglob("*")):
                if path.is_file():
                    self._send(storage, path)

    def _send(self, storage: Storage, path: Path) -> None:
        status = path.stat()
        version = (status.st_size, status.st_mtime_ns)
        if self._sent.get(path) != version:
            key = f"{self._prefix}/{path.relative_to(self._path).as_posix()}"
            retry_until_known(lambda: storage.upload(key, path), Patience(10))
            self._sent[path] = version
