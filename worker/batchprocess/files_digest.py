"""One digest of several files: of their names and contents, so it is the same wherever they lie."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

MAX_FILES, MAX_BYTES = 1_000, 16 << 20
_KUBELETS = "..data"
"""In a volume of a ConfigMap a link to the folder with its files, which is never changed: another
content comes as another folder, and then the link is replaced."""
_TRIES = 5


def files_digest(files: Iterable[Path], folder: Path) -> str | None:
    """The digest of `files`, by their paths below `folder`; None if there is none, or too many.

    A thousand files or 16 MiB are the most. Raises OSError for one that cannot be read.
    """
    names = {file.relative_to(folder).as_posix(): file for file in files}
    if not names or len(names) > MAX_FILES:
        return None
    total, left = hashlib.sha256(), MAX_BYTES
    for name, file in sorted(names.items()):
        with file.open("rb") as opened:
            body = opened.read(left + 1)
        left -= len(body)
        if left < 0:
            return None
        total.update(_framed(name, body))
    return total.hexdigest()


def contents_digest(contents: Mapping[str, bytes]) -> str:
    """What `files_digest` gives for files of these names, with these bytes."""
    total = hashlib.sha256()
    for name, body in sorted(contents.items()):
        total.update(_framed(name, body))
    return total.hexdigest()


def _framed(name: str, body: bytes) -> bytes:
    path = os.fsencode(name)
    return b"%d %s %d %s" % (len(path), path, len(body), body)


def folder_digest(folder: Path) -> str | None:
    """The digest of all files below `folder`, at one moment of a volume that the kubelet changes.

    None for what `files_digest` gives none, for a folder that cannot be read, and for one that is
    another each time it is looked at.
    """
    for _ in range(_TRIES):
        before = _contents(folder)
        try:
            found = files_digest(_files_below(before), before)
        except OSError:
            # It was replaced, and the old one is being removed, or nobody may read it.
            found = None
        if _contents(folder) == before:
            return found
    return None


def _contents(folder: Path) -> Path:
    """Where its files are, past all links: that does not change under who reads it."""
    link = folder / _KUBELETS
    return Path(os.path.realpath(link if link.is_symlink() else folder))


def _files_below(folder: Path) -> Iterator[Path]:
    """One more than are counted at most."""
    left = MAX_FILES + 1
    for place, _, names in os.walk(folder):
        for name in names[:left]:
            path = Path(place, name)
            if path.is_file():
                left -= 1
                yield path
        if left <= 0:
            return
