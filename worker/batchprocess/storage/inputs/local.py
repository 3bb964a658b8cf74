"""Files of a folder as input."""

import contextlib
import errno
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from batchprocess.protocol.errors import (
    InputChanged,
    InvalidArgument,
    OutcomeUnknown,
    StorageDenied,
)
from batchprocess.storage.inputs.base import REMEDY, InputObject

_LOG = logging.getLogger("batchprocess")
_MAX_TOLD = 10
"""Links that one listing has left out."""


class LocalInputs:
    """Regular files below `root`, and links to such; folders behind a link are not entered."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def uri(self) -> str:
        """The folder's path, as it was given."""
        return str(self._root)

    def list(self, prefix: str) -> Iterator[InputObject]:
        """Files below the last folder that `prefix` names whole."""
        folder = self._root / prefix.rpartition("/")[0]
        if not folder.is_dir():
            return
        told = _Told()
        for parent, folders, names in os.walk(folder, onerror=_refuse):
            # As in a mounted ConfigMap, where hidden folders hold what links show.
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for one in (Path(parent) / name for name in folders):
                if one.is_symlink():
                    told.leave_out(one, "is behind a link, and not entered")
            for name in names:
                key = (Path(parent) / name).relative_to(self._root).as_posix()
                found = self.find(key) if key.startswith(prefix) else None
                if found is not None:
                    yield found
                elif key.startswith(prefix) and (self._root / key).is_symlink():
                    told.leave_out(self._root / key, "is a link to what is no file")

    def find(self, key: str) -> InputObject | None:
        """The file of that name."""
        try:
            os.fsencode(key).decode()
        except UnicodeDecodeError:
            raise InvalidArgument(
                f"the name of input file {os.fsencode(self._root / key)!r} is not UTF-8: rename it"
            ) from None
        path = self._root / key
        with _translated(path):
            try:
                status = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return InputObject(key, status.st_size) if stat.S_ISREG(status.st_mode) else None

    def read(self, known: InputObject, start: int, stop: int) -> bytes:
        """By one open file each time: it costs some microseconds, and none is left open."""
        path = self._root / known.key
        with _translated(path):
            try:
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise InputChanged(f"input {path} is gone: {REMEDY}") from None
        try:
            with _translated(path):
                size = os.fstat(file).st_size
                found = _pread(file, start, stop) if size == known.size else b""
        finally:
            os.close(file)
        if size != known.size or len(found) != stop - start:
            raise InputChanged(
                f"input {path} has {size} bytes, and had {known.size} when it was listed: {REMEDY}"
            )
        return found


class _Told:
    """Says what a listing has not, and somebody may have meant; so often, and then no more."""

    def __init__(self) -> None:
        self._times = 0

    def leave_out(self, path: Path, why: str) -> None:
        """Hidden names nobody means."""
        if not path.name.startswith((".", "_")) and self._times < _MAX_TOLD:
            self._times += 1
            _LOG.warning("input %s %s: name it as a source of its own, if it is wanted", path, why)


def _pread(file: int, start: int, stop: int) -> bytes:
    parts = []
    while start < stop and (part := os.pread(file, stop - start, start)):
        parts.append(part)
        start += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _refuse(error: OSError) -> None:
    if error.errno != errno.ENOENT:  # gone since its folder was read
        with _translated(Path(os.fsdecode(error.filename or "input"))):
            raise error


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise StorageDenied(
            f"input {path} cannot be read: give this user (id {os.getuid()}) the right to read it"
        ) from error
    except OSError as error:
        raise OutcomeUnknown(f"input {path} cannot be read: {error.strerror}") from error
