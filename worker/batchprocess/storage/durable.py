"""Files and folders that survive a power loss, and what their errors mean."""

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from batchprocess.protocol.errors import (
    OutcomeUnknown,
    StorageDenied,
    StorageError,
    StorageFull,
    UnsafeStorage,
)
from batchprocess.storage.base import Content

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM}
_NO_SUCH_PATH = {
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)
}
"""No retry will make such a path."""
_NO_FULL_SYNC = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


def make_folders(folder: Path) -> None:
    """With all parents; StorageDenied where no folder can be made at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError:
        top = next(one for one in (folder, *folder.parents) if one.parent.is_dir())
        try:
            top.mkdir(exist_ok=True)
        except FileNotFoundError as error:
            raise StorageDenied(
                f"{top} cannot be created: that file system makes no folders; check output.uri"
            ) from error
        # Somebody has removed a parent beside us: the next try makes the rest.
        raise


def try_folder(folder: Path, name: str) -> None:
    """Make, link and remove a file in a folder that exists; `name` begins the names of both."""
    trial, linked = folder / f"{name}-0", folder / f"{name}-1"
    try:
        write(trial, b"")
        link(trial, linked)
    except FileNotFoundError as error:
        raise StorageDenied(
            f"{folder}: nothing can be created there, for that file system makes no files; check "
            "output.uri"
        ) from error
    finally:
        for path in (trial, linked):
            with contextlib.suppress(OSError):
                path.unlink()


def status(path: Path) -> os.stat_result | None:
    """What stands there, or None. Only an absent path is None: pathlib calls more than that so."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def modified(found: os.stat_result) -> datetime | None:
    """None for a time that no calendar has: a listing is not to fail by it."""
    try:
        return datetime.fromtimestamp(found.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def folders_in(folder: Path) -> list[str]:
    """Names of the folders directly below one, in order; none if it is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def files(folder: Path, begin: str = "") -> Iterator[Path]:
    """All files below what in a folder begins so; a StorageError for one that cannot be read."""
    for where, folders, names in os.walk(folder, onerror=_raise_unless_gone):
        if begin:
            # Of the folder itself only: a path is made of no other name, of which there are many.
            folders[:] = [name for name in folders if name.startswith(begin)]
        yield from (Path(where, name) for name in names if name.startswith(begin))
        begin = ""


def _raise_unless_gone(error: OSError) -> None:
    """What could not be looked at is not empty."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise _meaning(Path(error.filename), error) from error


def link(temporary: Path, path: Path) -> bool:
    """Give a finished file its name: False if the name is taken.

    Raises UnsafeStorage where there are no hard links.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise UnsafeStorage(
            f"{path.parent} has no hard links ({os.strerror(error.errno or 0)}), so creating is "
            "not exclusive there: use another file system or an S3-compatible store"
        ) from error
    return True


def write(path: Path, body: bytes) -> None:
    """A new file, fsynced."""
    with path.open("xb") as file:
        file.write(body)
        _flush(file)


def copy(from_file: BinaryIO, path: Path) -> Content:
    """A new file, fsynced, or none. Returns what was written."""
    digest = hashlib.sha256()
    with path.open("xb") as to_file:
        try:
            while chunk := from_file.read(CHUNK):
                digest.update(chunk)
                to_file.write(chunk)
            _flush(to_file)
        except BaseException:
            # A full disk must not stay full of what is of no use.
            path.unlink(missing_ok=True)
            raise
        return Content(to_file.tell(), digest.hexdigest())


def _flush(file: BinaryIO) -> None:
    file.flush()
    _sync(file.fileno())


def _sync(descriptor: int) -> None:
    """fsync; on macOS, where that leaves data in the disk's own cache, what empties it too."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            fcntl.fcntl(descriptor, full)
        except OSError as error:
            if error.errno not in _NO_FULL_SYNC:
                raise
        else:
            return
    os.fsync(descriptor)


def sync_directory(folder: Path) -> None:
    """Make the names in a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of the operating system become errors of storage that say what to do."""
    try:
        yield
    except OSError as error:
        # A missing directory too: somebody cleaned up beside us, and a retry makes it again.
        raise _meaning(path, error) from error


def _meaning(path: Path, error: OSError) -> StorageError:
    reason = f"{path}: {os.strerror(error.errno or 0)}"
    if error.errno in _FULL:
        return StorageFull(f"{reason}; free some space or point output.uri elsewhere")
    if error.errno == errno.EROFS:
        mount = next(one for one in (path, *path.parents) if one.is_mount() or one.name == "")
        return StorageDenied(
            f"{reason}; what is mounted at {mount} can be read only: mount it for writing, or let "
            "output.uri name another folder"
        )
    if error.errno in _DENIED:
        return StorageDenied(f"{reason}; this user must be able to read and write there")
    if error.errno in _NO_SUCH_PATH:
        return StorageDenied(f"{reason}; nothing can be written there: check output.uri")
    return OutcomeUnknown(reason)
