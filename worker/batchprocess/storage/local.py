"""A local directory (or mounted volume) as storage.

Creating is a hard link of a finished temporary: the link either makes the name or finds it taken,
and a reader never sees half a record. A rename would replace what stands there.
"""

import errno
import itertools
import os
import secrets
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.storage import durable
from batchprocess.storage.base import Content, StoredObject
from batchprocess.storage.spelling import refuse_other_spelling
from batchprocess.storage.temporaries import is_temporary, temporaries_below, temporary_beside


class LocalStorage:
    """Objects as files below `root`, which is made on the first write."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._synced: set[Path] = set()

    @property
    def uri(self) -> str:
        """The folder's path."""
        return str(self._root)

    def at(self, folder: str) -> "LocalStorage":
        """The storage of a folder below this one."""
        return LocalStorage(self._path(folder))

    def get(self, key: str) -> bytes | None:
        """A small object whole."""
        path = self._path(key)
        with durable.translated(path):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def sync(self, key: str) -> None:
        """Fsync the folder of `key`: its writer may have linked it and not come to that.

        Nothing is to be lost on a file system that is only read, and some refuse it there.
        """
        folder = self._path(key).parent
        with durable.translated(folder):
            try:
                durable.sync_directory(folder)
            except OSError as error:
                read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
                if not read_only and error.errno != errno.EROFS:
                    raise

    def create(self, key: str, body: bytes | Path) -> bool:
        """Create-only write: True if this call created it, False if the key exists."""
        path = self._path(key)
        with durable.translated(path):
            self._make_parents(path)
            with temporary_beside(path) as temporary:
                if isinstance(body, Path):
                    with body.open("rb") as from_file:
                        durable.copy(from_file, temporary)
                else:
                    durable.write(temporary, body)
                created = durable.link(temporary, path)
            durable.sync_directory(path.parent)
        return created

    def put(self, key: str, body: bytes) -> None:
        """Write or overwrite; readers see the old bytes or the new ones."""
        path = self._path(key)
        with durable.translated(path):
            self._make_parents(path)
            with temporary_beside(path) as temporary:
                durable.write(temporary, body)
                temporary.replace(path)
            durable.sync_directory(path.parent)

    def upload(self, key: str, source: Path, content: Content | None = None) -> bool:
        """Copy a file in, durably. Keys of data are one writer's alone, so replacing is safe.

        The first copy is written under its own name: nobody reads a key that no record names, and
        a rename after the fsync would cost the journal another one. What a crash tears, no record
        ever names.
        """
        path = self._path(key)
        with source.open("rb") as from_file, durable.translated(path):
            self._make_parents(path)
            if durable.status(path) is not None:
                refuse_other_spelling(self._root, path)
                with temporary_beside(path) as temporary:
                    written = durable.copy(from_file, temporary)
                    temporary.replace(path)
            else:
                written = durable.copy(from_file, path)
            durable.sync_directory(path.parent)
        return content in (None, written)

    def read(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        """The object's bytes from `start`, in chunks of at most 1 MiB."""
        path = self._path(key)
        if self._status(key) is None:
            raise FileNotFoundError(f"{path} does not exist")
        with durable.translated(path), path.open("rb") as file:
            file.seek(start)
            while chunk := file.read(durable.CHUNK):
                yield chunk

    def stat(self, key: str) -> int | None:
        """Size in bytes, or None if absent."""
        found = self._status(key)
        return None if found is None else found.st_size

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Objects whose key begins with `prefix`, in key order."""
        above, _, begin = prefix.rpartition("/")
        found_files = durable.files(self._path(above) if above else self._root, begin)
        names = (self._name_of(path) for path in found_files if not is_temporary(path))
        for key in sorted(key for key in names if key.startswith(prefix)):
            found = self._status(key)
            if found is not None:
                yield StoredObject(key, found.st_size, durable.modified(found))

    def folders(self, prefix: str = "") -> Iterator[str]:
        """Names of the folders directly below `prefix`."""
        folder = self._path(prefix) if prefix else self._root
        with durable.translated(folder):
            names = durable.folders_in(folder)
        yield from names

    def delete(self, key: str) -> None:
        """Remove an object and the folders that this leaves empty; absent is fine."""
        path = self._path(key)
        with durable.translated(path):
            path.unlink(missing_ok=True)
            for parent in itertools.takewhile(lambda p: p != self._root, path.parents):
                try:
                    parent.rmdir()
                except OSError:
                    return
                self._synced.discard(parent)

    def leftovers(self, *, before: datetime) -> tuple[str, ...]:
        """Temporaries of writers that were killed: older ones than `before`."""
        return tuple(sorted(self._name_of(path) for path in temporaries_below(self._root, before)))

    def remove_leftovers(self, *, before: datetime) -> tuple[str, ...]:
        """Remove these, and the folders that this leaves empty."""
        removed = self.leftovers(before=before)
        for name in removed:
            self.delete(name)
        return removed

    def dangers(self) -> tuple[str, ...]:
        """None: nobody deletes files of a directory by rule."""
        return ()

    def check_access(self) -> None:
        """Make a file in the nearest folder that exists, link it, and remove both.

        What may be read there shows little of what may be written.
        """
        with durable.translated(self._root):
            there = next(one for one in (self._root, *self._root.parents) if durable.status(one))
        with durable.translated(there):
            durable.try_folder(there, f".tmp-{secrets.token_hex(16)}")

    def _path(self, key: str) -> Path:
        parts = key.rstrip("/").split("/")
        if key.startswith("/") or any(part in ("", ".", "..") for part in parts):
            raise InvalidArgument(f"{key!r} is no key: it must stay below {self._root}")
        return self._root.joinpath(*parts)

    def _status(self, key: str) -> os.stat_result | None:
        path = self._path(key)
        with durable.translated(path):
            found = durable.status(path)
        return found if found is not None and stat.S_ISREG(found.st_mode) else None

    def _name_of(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _make_parents(self, path: Path) -> None:
        """Make the directories and fsync each new one's parent, so that the path is durable."""
        if path.parent in self._synced and path.parent.is_dir():
            return
        durable.make_folders(path.parent)
        # All of them: one that we have fsynced before may have been removed and made anew just now.
        for parent in (path.parent, *path.parent.parents):
            durable.sync_directory(parent.parent)
            if parent == self._root:
                break
        self._synced.add(path.parent)
