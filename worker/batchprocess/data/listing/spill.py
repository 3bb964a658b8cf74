"""More objects than memory should hold, in the order of their keys."""

import heapq
import json
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from batchprocess.storage.inputs.base import InputObject

MAX_IN_MEMORY = 100_000
Entry: TypeAlias = list[str | int]
"""Key, number of the root, size, ETag: by key first, so that the order is that of rows."""


class Spill:
    """Takes objects in any order, from any thread; gives them in order once all are there."""

    def __init__(self, folder: Path, most: int = MAX_IN_MEMORY) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._here: list[Entry] = []
        self._files: list[Path] = []

    def add(self, root: int, objects: Iterable[InputObject]) -> None:
        """Of one root."""
        more: list[Entry] = [[one.key, root, one.size, one.etag] for one in objects]
        with self._lock:
            self._here += more
            if len(self._here) >= self._most:
                self._write()

    def absorb(self, other: "Spill") -> None:
        """Take all of another, which is not used any more."""
        with self._lock:
            if other._files and other._here:
                other._write()
            self._files += other._files
            self._here += other._here
            if len(self._here) >= self._most:
                self._write()

    @property
    def empty(self) -> bool:
        """Whether nothing was added."""
        return not (self._here or self._files)

    def __iter__(self) -> Iterator[Entry]:
        self._here.sort()
        return heapq.merge(self._here, *map(_read, self._files))

    def close(self) -> None:
        """Remove the files."""
        for one in self._files:
            one.unlink()

    def _write(self) -> None:
        self._here.sort()
        with tempfile.NamedTemporaryFile(
            "w", encoding="ascii", dir=self._folder, prefix="spill-", delete=False
        ) as file:
            self._files.append(Path(file.name))
            file.writelines(f"{json.dumps(one)}\n" for one in self._here)
        self._here = []


def _read(path: Path) -> Iterator[Entry]:
    with path.open(encoding="ascii") as file:
        for line in file:
            yield json.loads(line)
