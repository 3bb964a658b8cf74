"""A listing on disk: a line for each object, cut into the parts that a run keeps of it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from batchprocess.protocol.inputs.listing import MAX_PART_BYTES, InputListing, ListedPart
from batchprocess.storage.inputs.base import InputObject

OBJECTS, ABOUT, ENDS = "objects.jsonl", "listing.json", "ends"
_CHUNK = 1 << 20
_MAX_IN_MEMORY = 1 << 20


def mapped(path: Path) -> npt.NDArray[np.int64]:
    """Numbers in a file; mapped where it is worth it, for what is in memory is found faster."""
    if path.stat().st_size <= _MAX_IN_MEMORY:
        return np.fromfile(path, np.int64)
    return np.memmap(path, np.int64, "r")


def write_objects(
    folder: Path, roots: tuple[str, ...], objects: Iterable[tuple[int, InputObject]]
) -> InputListing:
    """Keep objects, each with its root's number, in this order."""
    parts, total, fingerprint = _Parts(), 0, hashlib.sha256()
    with (folder / OBJECTS).open("wb") as file:
        for root, one in objects:
            line = json.dumps([root, one.key, one.size, one.etag]).encode()
            fingerprint.update(line)
            parts.add(line + b"\n")
            file.write(line + b"\n")
            total += one.size
    found = parts.all()
    return InputListing(
        roots=roots,
        objects=sum(part.objects for part in found),
        bytes=total,
        fingerprint=fingerprint.hexdigest(),
        parts=found,
    )


class _Parts:
    """Cuts lines into parts."""

    def __init__(self) -> None:
        self._done: list[ListedPart] = []
        self._begin()

    def _begin(self) -> None:
        self._objects = self._size = 0
        self._digest = hashlib.sha256()

    def add(self, line: bytes) -> None:
        """The next line, with its end."""
        if self._size + len(line) > MAX_PART_BYTES:
            self._end()
        self._objects, self._size = self._objects + 1, self._size + len(line)
        self._digest.update(line)

    def all(self) -> tuple[ListedPart, ...]:
        """Of all lines."""
        if self._objects:
            self._end()
        return tuple(self._done)

    def _end(self) -> None:
        sha256 = self._digest.hexdigest()
        self._done.append(ListedPart(objects=self._objects, size=self._size, sha256=sha256))
        self._begin()


def read_part(folder: Path, listing: InputListing, number: int) -> bytes:
    """The bytes of a part of what was written."""
    with (folder / OBJECTS).open("rb") as file:
        file.seek(sum(part.size for part in listing.parts[:number]))
        return file.read(listing.parts[number].size)


def finish(folder: Path, listing: InputListing) -> "ObjectList":
    """Make what stands in the file readable by number."""
    at = 0
    with (folder / OBJECTS).open("rb") as file, (folder / ENDS).open("wb") as ends:
        ends.write(bytes(8))
        while chunk := file.read(_CHUNK):
            found = at + 1 + np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n"))
            ends.write(found.astype(np.int64).tobytes())
            at += len(chunk)
    (folder / ABOUT).write_text(listing.model_dump_json())
    return ObjectList(folder)


class ObjectList:
    """The objects of a folder that was finished, by number and in order."""

    def __init__(self, folder: Path) -> None:
        self.about = InputListing.model_validate_json((folder / ABOUT).read_bytes())
        self._file = folder / OBJECTS
        self._ends = mapped(folder / ENDS)

    def __len__(self) -> int:
        return self.about.objects

    def __iter__(self) -> Iterator[tuple[str, InputObject]]:
        with self._file.open("rb") as file:
            for line in file:
                yield self._parse(line)

    def __getitem__(self, number: int) -> tuple[str, InputObject]:
        start, stop = int(self._ends[number]), int(self._ends[number + 1])
        with self._file.open("rb") as file:
            file.seek(start)
            return self._parse(file.read(stop - start))

    def _parse(self, line: bytes) -> tuple[str, InputObject]:
        root, key, size, etag = json.loads(line)
        return self.about.roots[root], InputObject(key, size, etag)
