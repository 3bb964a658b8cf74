"""Counting the lines of files of which some are packed."""

from collections.abc import Sequence

from batchprocess.data.index.blocks.count_files import FileRows
from batchprocess.data.index.blocks.line_counts import Joined, count_pieces
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.packing.content import Content


class PackedLines:
    """Counts files one by one."""

    columns: Sequence[str] | None = None

    def __init__(self, *, skip_blank: bool) -> None:
        self._skip_blank = skip_blank

    def count(self, one: KnownObject) -> FileRows:
        """Its rows and marks, of what it becomes, and where its members begin."""
        content, joined, at = Content(one), Joined(one.name, skip_blank=self._skip_blank), 0
        for piece in content:
            for counted in count_pieces(piece, at, skip_blank=self._skip_blank):
                joined.add(counted)
            at += len(piece)
        rows, marks = joined.whole()
        return FileRows(rows, content.with_end(rows, marks), content.points)
