"""Counting the lines of files of which some are packed, a file at a time in each thread."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from batchprocess.data.index.blocks.line_counts import Joined, count_pieces
from batchprocess.data.index.count_lines import Said
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.packing.content import Content
from batchprocess.data.index.packing.unpacked import Point
from batchprocess.runs.parallel import Threads

_PARALLEL = 8


def count_packed_lines(
    known: Sequence[KnownObject], points: dict[int, list[Point]], *, skip_blank: bool
) -> Iterator[tuple[int, Offsets]]:
    """Of each object, in order, its rows and marks, of what it becomes; fills `points`."""
    said = Said(sum(one.object.size for one in known))
    count = partial(_count, said=said, skip_blank=skip_blank)
    with Threads(_PARALLEL) as threads:
        for number, found in enumerate(threads.in_order(partial(count, one) for one in known)):
            if len(found.points) > 1:
                points[number] = found.points
            yield found.rows, found.marks


class _File(NamedTuple):
    rows: int
    marks: Offsets
    points: list[Point]


def _count(one: KnownObject, said: Said, *, skip_blank: bool) -> _File:
    content, joined, at = Content(one, said.add), Joined(one.name, skip_blank=skip_blank), 0
    for piece in content:
        for counted in count_pieces(piece, at, skip_blank=skip_blank):
            joined.add(counted)
        at += len(piece)
    rows, marks = joined.whole()
    return _File(rows, content.with_end(rows, marks), content.points)
