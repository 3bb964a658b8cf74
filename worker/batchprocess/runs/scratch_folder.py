"""Temporary folders, which a later run on this machine removes if their owner is killed.

A lock says whether the owner lives: the kernel drops it with the last process that holds it, a
script, a runner or one of its agents, however they end. Process ids would be taken again by others.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from batchprocess.protocol.errors import InvalidArgument

_PREFIX = "batchprocess-run-"
_LOCK = f"lock-{os.uname().nodename}"
"""Where several machines share a folder, not all file systems tell them of each other's locks."""


@dataclass(frozen=True)
class Scratch:
    """A folder, and the descriptor that keeps it: agents inherit it, their children do not."""

    folder: Path
    lock: int
    owner: int = field(default_factory=os.getpid)

    @classmethod
    def make(cls) -> Self:
        """A fresh one, once the leftovers of dead owners are gone.

        Raises OSError if there is no place for it.
        """
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        made = cls(folder, _locked(folder))
        remove_leftovers(folder.parent)
        return made

    def remove(self) -> None:
        """Once; a forked process that ends leaves it to its owner."""
        if os.getpid() == self.owner:
            # What a killed agent leaves may be changing still when we go.
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self.lock)


@contextlib.contextmanager
def scratch() -> Iterator[Scratch]:
    """One for the block. Raises InvalidArgument if none can be made."""
    try:
        made = Scratch.make()
    except OSError as error:
        raise InvalidArgument(f"no temporary folder can be made ({error}): set TMPDIR") from error
    try:
        yield made
    finally:
        made.remove()


def remove_leftovers(parent: Path) -> None:
    """Remove folders of dead runs of ours. What anything is in doubt about stays."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove_if_dead(folder)


def _locked(folder: Path) -> int:
    """Lock a file, then give it the name that others look for: they never find it unlocked."""
    new = folder / f"new-{_LOCK}"
    lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with contextlib.suppress(OSError):  # no locks on that file system: then nobody removes it
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        new.rename(folder / _LOCK)
    return lock


def _remove_if_dead(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        return
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        # BlockingIOError while anybody of that run lives.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for entry in folder.iterdir():
            if entry.name != _LOCK:
                _remove(entry)
        # Last: a removal that is interrupted can be repeated.
        shutil.rmtree(folder)
    finally:
        os.close(lock)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
