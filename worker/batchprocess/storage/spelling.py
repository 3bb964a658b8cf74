"""Folders that take two names for one: on some file systems `A.txt` is `a.txt`, or é is é."""

from pathlib import Path

from batchprocess.protocol.errors import UnsafeStorage


def refuse_other_spelling(root: Path, path: Path) -> None:
    """Raise UnsafeStorage if what stands at `path` below `root` is a file of another name."""
    other = other_spelling(root, path)
    if other is not None:
        raise UnsafeStorage(
            f"{path} and {other} are one file there: that file system does not tell such names "
            "apart; rename one of the outputs, or use another file system or an S3-compatible store"
        )


def other_spelling(root: Path, path: Path) -> Path | None:
    """What stands below `root` where `path` is asked for; None if it is `path` itself, or nothing.

    Writing to `path` would overwrite it.
    """
    where = root
    for part in path.relative_to(root).parts:
        wanted = where / part
        try:
            there = list(where.iterdir())
            if wanted not in there:
                return next((one for one in there if wanted.samefile(one)), None)
        except (FileNotFoundError, NotADirectoryError):
            return None
        where = wanted
    return None
