"""Counting one block of lines: its bytes are read side by side, and counted where they come in."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby

from batchprocess.data.index.blocks.cut import Cut, Piece
from batchprocess.data.index.blocks.kept import Counted
from batchprocess.data.index.blocks.line_counts import Joined, LineCount, count_pieces
from batchprocess.data.index.blocks.part import PieceRows, encode
from batchprocess.data.index.known_object import KnownObject
from batchprocess.protocol.inputs.blocks import BlockCount, OpenPiece
from batchprocess.runs.parallel import Threads

_CHUNK = 8 << 20

Known = Callable[[int], KnownObject]
"""An object by its number."""


class LineBlocks:
    """Counts blocks of lines."""

    def __init__(self, cut: Cut, threads: Threads, *, skip_blank: bool) -> None:
        self._cut, self._threads, self._skip_blank = cut, threads, skip_blank

    def count(self, number: int, known: Known) -> Counted:
        """Of each piece of the block its rows; of open ones what is known of their lines."""
        rows, open_pieces = list[PieceRows](), list[OpenPiece | None]()
        for piece, joined in self._joined(number, known):
            opened, found = None, joined.count()
            begins, ends = piece.start == 0, piece.stop == known(piece.object).object.size
            if begins and ends:
                rows.append(PieceRows(piece.object, *joined.whole()))
            else:
                opened = _open(found, begins=begins, ends=ends)
                rows.append(PieceRows(piece.object, found.rows, found.marks))
            open_pieces.append(opened)
        count = BlockCount(
            rows=sum(one.rows for one in rows),
            first=open_pieces[0] if open_pieces else None,
            last=open_pieces[-1] if len(open_pieces) > 1 else None,
        )
        return Counted(count, encode(rows))

    def _joined(self, number: int, known: Known) -> Iterator[tuple[Piece, Joined]]:
        chunks = list(self._chunks(number))
        counts = self._threads.in_order(partial(self._count, one, known) for one in chunks)
        for at, group in groupby(zip(chunks, counts, strict=True), lambda pair: pair[0].object):
            joined, all_chunks = Joined(known(at).name, skip_blank=self._skip_blank), []
            for chunk, one in group:
                joined.add(one)
                all_chunks.append(chunk)
            yield Piece(at, all_chunks[0].start, all_chunks[-1].stop), joined

    def _chunks(self, number: int) -> Iterator[Piece]:
        for piece in self._cut.pieces(number):
            for start in range(piece.start, piece.stop, _CHUNK):
                yield Piece(piece.object, start, min(start + _CHUNK, piece.stop))

    def _count(self, chunk: Piece, known: Known) -> LineCount:
        content = known(chunk.object).read(chunk.start, chunk.stop)
        joined = Joined(known(chunk.object).name, skip_blank=self._skip_blank)
        for piece in count_pieces(content, chunk.start, skip_blank=self._skip_blank):
            joined.add(piece)
        return joined.count()


def _open(found: LineCount, *, begins: bool, ends: bool) -> OpenPiece:
    return OpenPiece(
        begins=begins,
        ends=ends,
        start=found.start,
        stop=found.stop,
        head_text=found.head_text,
        head_end=found.head_end,
        rows=found.rows,
        tail=found.tail,
        tail_text=found.tail_text,
    )
