"""Files that are made of the code: written, or compared with what would be made now."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

COMMAND = "make generate"
Files = Mapping[str, Callable[[], str]]
"""A file's path below the repository's root, and what makes its text."""


def stale(files: Files, root: Path) -> list[str]:
    """The files under `root` that are missing or not what they would be made."""
    return [
        name
        for name, make in files.items()
        if not (root / name).is_file() or (root / name).read_text() != make()
    ]


def write(files: Files, root: Path) -> None:
    """Make all files under `root` anew."""
    for name, make in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(make())


def write_or_check(files: Files, arguments: Sequence[str], root: Path, module: str) -> int:
    """What `python -m module [--check]` does; the exit code is 1 if a file is stale."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write(f"usage: python -m {module} [--check]\n")
        return 2
    if not arguments:
        write(files, root)
        return 0
    found = stale(files, root)
    for name in found:
        sys.stderr.write(f"{name} is not what the code says: run `{COMMAND}` and commit it\n")
    return 1 if found else 0
