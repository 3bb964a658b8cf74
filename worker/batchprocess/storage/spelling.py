"""Folders that take two names for one: on some file systems `A.txt` is `a.txt`, or é is é."""

from pathlib import Path


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
