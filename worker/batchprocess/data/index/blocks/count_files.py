"""Counting one block of whole files, several of them side by side."""

from collections.abc import Callable, Iterator, Sequence, Set
from functools import partial
from typing import NamedTuple, Protocol

from batchprocess.data.index.blocks.count import Known
from batchprocess.data.index.blocks.cut import WholeFiles
from batchprocess.data.index.blocks.kept import Counted
from batchprocess.data.index.blocks.part import PieceRows, encode
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.packing.unpacked import Point
from batchprocess.protocol.inputs.blocks import BlockCount
from batchprocess.runs.parallel import Threads

_SHOWN = 1_000


class FileRows(NamedTuple):
    """Rows of a file, and where they are in it, or in what it becomes."""

    rows: int
    marks: Offsets
    points: Sequence[Point] = ()
    extensions: Set[str] = frozenset()
    """Of a tar."""


class FileCounter(Protocol):
    """Of one format; used by several threads at a time."""

    columns: Sequence[str] | None
    """That are asked for."""

    def count(self, one: KnownObject) -> FileRows:
        """Raises InvalidArgument for a file that cannot be read, or is not as the others."""


class FileBlocks:
    """Counts blocks of whole files."""

    def __init__(self, cut: WholeFiles, threads: Threads, counter: FileCounter) -> None:
        self._cut, self._threads, self._counter = cut, threads, counter

    def count(self, number: int, known: Known) -> Counted:
        """Of each file its rows."""
        extensions, split, pieces = set[str](), 0, list[PieceRows]()
        for at, found in self._files(number, known):
            extensions |= found.extensions
            split += len(found.points) > 1
            points = found.points if len(found.points) > 1 else ()
            pieces.append(PieceRows(at, found.rows, found.marks, points))
        count = BlockCount(
            rows=sum(one.rows for one in pieces),
            split=split,
            extensions=_some(extensions, self._counter.columns),
        )
        return Counted(count, encode(pieces))

    def _files(self, number: int, known: Known) -> Iterator[tuple[int, FileRows]]:
        numbers = [piece.object for piece in self._cut.pieces(number)]

        def calls() -> Iterator[Callable[[], FileRows]]:
            for one in numbers:
                yield partial(self._counter.count, known(one))

        yield from zip(numbers, self._threads.in_order(calls()), strict=True)


def _some(found: Set[str], asked: Sequence[str] | None) -> tuple[str, ...]:
    """All that are asked for, and others as far as a person would read them."""
    kept, length = found & {*(asked or ())}, 0
    for one in sorted(found):
        length += len(one)
        if length > _SHOWN:
            break
        kept |= {one}
    return tuple(sorted(kept))
