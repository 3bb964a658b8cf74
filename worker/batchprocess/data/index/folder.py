"""The index on disk: what was counted of all blocks, and the parts of those that are needed.

Nothing of it is in memory but what is looked at. A part that is not there is fetched when the first
of its rows is read, by one process for all.
"""

import fcntl
import json
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from batchprocess.data.index.blocks.open_lines import BlockEnds, Ends
from batchprocess.data.index.blocks.part import decode
from batchprocess.data.index.blocks.view import BlockView, Span
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.packing.unpacked import Point
from batchprocess.data.listing.object_list import ObjectList, mapped
from batchprocess.protocol.errors import VerificationError
from batchprocess.storage.inputs.base import InputObject

_ABOUT, _BLOCKS, _FIRSTS, _PARTS, _LOCK = "index.json", "blocks", "firsts", "parts", "lock"
_COLUMNS = 1 + 2 * len(Ends._fields)
_MAX_VIEWS = 8
"""A part has some MB at most, but for files of millions of rows."""

Fetch = Callable[[str, int], bytes]
"""The part of a block, by kind and number, from the run."""


class Place(NamedTuple):
    """Where a row is: its block, its object, its number in there, and where the block's end."""

    block: int
    object: int
    row: int
    end: int


def keep_part(folder: Path, number: int, part: bytes) -> None:
    """Have it there; whole, or not at all."""
    parts = folder / _PARTS
    parts.mkdir(exist_ok=True)
    new = parts / f"{number}.new"
    new.write_bytes(part)
    new.rename(parts / str(number))


def write_index(
    folder: Path,
    counted: Iterable[tuple[int, BlockEnds]],
    firsts: Sequence[int] | Offsets,
    kind: str | None,
    *,
    split: int = 0,
) -> int:
    """Write what is known of all blocks; `index.json` comes last, and says that the rest is whole.

    counted: of each block the rows of its pieces, and its ends. kind: under which a run keeps parts
    that are not there; None: all are. split: packed objects with several points. Returns how many
    rows there are.
    """
    rows, table = 0, []
    for more, ends in counted:
        table.append((rows, *ends.first, *ends.last))
        rows += more + ends.rows
    np.array(table, np.int64).tofile(folder / _BLOCKS)
    np.asarray(firsts, np.int64).tofile(folder / _FIRSTS)
    _finish(folder, {"rows": rows, "kind": kind, "split": split})
    return rows


def write_objects_index(folder: Path, objects: int) -> None:
    """One of which each row is an object."""
    _finish(folder, {"rows": objects, "kind": None, "split": 0, "is_objects": True})


def _finish(folder: Path, about: dict[str, Any]) -> None:
    (folder / "new").write_text(json.dumps(about))
    (folder / "new").rename(folder / _ABOUT)


class Index:
    """An index that was written; FileNotFoundError if it is not whole."""

    def __init__(self, folder: Path, fetch: Fetch | None = None) -> None:
        about = json.loads((folder / _ABOUT).read_bytes())
        self.objects = ObjectList(folder)
        self.rows: int = about["rows"]
        self.split: int = about["split"]
        """Packed objects that can be read from more than one place on."""
        self.roots = self.objects.about.roots
        self.fingerprint = self.objects.about.fingerprint
        self._kind: str | None = about["kind"]
        self._is_objects: bool = about.get("is_objects", False)
        self._folder, self._fetch = folder, fetch
        self._last: tuple[int, tuple[str, InputObject]] = (-1, ("", InputObject("", 0)))
        self._view = lru_cache(_MAX_VIEWS)(self._opened)

    def place(self, row: int) -> Place:
        """Of a row of all."""
        if self._is_objects:
            return Place(0, row, 0, 1)
        block = int(np.searchsorted(self._before, row, "right")) - 1
        return Place(block, *self._view(block).place(row - int(self._before[block])))

    def first_row(self, number: int) -> int | None:
        """Of an object, among all; None if it has no rows. Looks at parts until it is found."""
        if self._is_objects:
            return number
        block = max(int(np.searchsorted(self._firsts, number)) - 1, 0)
        while block < len(self._firsts) and self._firsts[block] <= number:
            if (found := self._view(block).first_row(number)) is not None:
                return int(self._before[block]) + found
            block += 1
        return None

    def object(self, number: int) -> tuple[str, InputObject]:
        """Root and object."""
        if self._last[0] != number:
            self._last = number, self.objects[number]
        return self._last[1]

    def span(self, block: int, number: int, rows: tuple[int, int], size: int) -> Span:
        """Bytes of an object, of `size` bytes, that hold these of its rows in the block."""
        return self._view(block).span(number, *rows, size)

    def group(self, block: int, number: int, row: int) -> tuple[int, int, int]:
        """Of an object with row groups: number, first row and end of that which has the row."""
        return self._view(block).group(number, row)

    def point(self, block: int, number: int, offset: int) -> Point:
        """The last one of a packed object that is not behind `offset` of what it becomes."""
        return self._view(block).point(number, offset)

    @cached_property
    def _blocks(self) -> Offsets:
        return mapped(self._folder / _BLOCKS).reshape(-1, _COLUMNS)

    @cached_property
    def _before(self) -> Offsets:
        return np.ascontiguousarray(self._blocks[:, 0])

    @cached_property
    def _firsts(self) -> Offsets:
        return mapped(self._folder / _FIRSTS)

    def _opened(self, block: int) -> BlockView:
        numbers = [int(one) for one in self._blocks[block, 1:]]
        half = len(Ends._fields)
        ends = BlockEnds(Ends(*numbers[:half]), Ends(*numbers[half:]))
        return BlockView(decode(self._part(block), f"the part of block {block}"), ends)

    def _part(self, block: int) -> bytes:
        path = self._folder / _PARTS / str(block)
        if not path.exists():
            self._fetch_for_all(block, path)
        return path.read_bytes()

    def _fetch_for_all(self, block: int, path: Path) -> None:
        if self._fetch is None or self._kind is None:
            raise VerificationError(f"{path} is gone: something has removed temporary files")
        with (self._folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # it ends with the file, or the process
            if not path.exists():
                keep_part(self._folder, block, self._fetch(self._kind, block))
