"""Lines that begin in one block and end in another: whose row each is, and where it ends.

A row is in the piece in which it begins; behind its last line feed a piece has one that begins
where the tail does, even if that has no byte of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from batchprocess.data.index.line_index import MAX_LINE
from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.protocol.inputs.blocks import BlockCount, OpenPiece

NONE = -1


class Ends(NamedTuple):
    """What the neighbours of an open piece say of it."""

    base: int = NONE
    """Number, in the object, of the first row that begins in it."""
    head: int = NONE
    """Where its first line begins, if that is a row and begins in it; else -1."""
    tail: int = NONE
    """Where its last line begins, if that is a row; else -1."""
    stop: int = NONE
    """Where its last row ends."""


class BlockEnds(NamedTuple):
    """Of a block; an open piece it has not is all -1."""

    first: Ends
    last: Ends

    @property
    def rows(self) -> int:
        """That have one of their ends in another block, or begin the object in an open piece."""
        return sum(place != NONE for one in self for place in (one.head, one.tail))


@dataclass
class _Owner:
    base: int = NONE
    head: int = NONE
    tail: int = NONE
    stop: int = NONE


@dataclass
class _Line:
    """One that has begun and not ended."""

    owner: _Owner
    begin: int
    is_head: bool
    has_text: bool


class OpenLines:
    """Goes through the open pieces of all blocks in their order. name: of a block's objects."""

    def __init__(self, name: Callable[[int], str], *, skip_blank: bool) -> None:
        self._name, self._skip_blank = name, skip_blank
        self._line: _Line | None = None
        self._rows = 0
        """Of the object, so far."""

    def resolve(self, counts: Sequence[BlockCount]) -> Iterator[BlockEnds]:
        """Of each block. Raises InvalidArgument for a line that is too long."""
        owners = [
            tuple(_Owner() if one is None else self._add(number, one) for one in (c.first, c.last))
            for number, c in enumerate(counts)
        ]
        for first, last in owners:
            yield BlockEnds(_ends(first), _ends(last))

    def _add(self, number: int, piece: OpenPiece) -> _Owner:
        owner = _Owner()
        if piece.begins:
            self._rows, owner.base = 0, 0
            self._line = _Line(owner, piece.start, is_head=True, has_text=False)
        line = self._line
        if line is None:
            raise VerificationError(
                f"block {number} goes on with an object that no block has begun: what the run "
                "keeps of its input is of another one"
            )
        line.has_text |= piece.head_text
        self._refuse_long(number, line, piece)
        if piece.head_end != NONE:
            self._close(line, piece.head_end, is_row=line.has_text or not self._skip_blank)
            owner.base = 0 if piece.begins else self._rows
            owner.stop = piece.tail
            self._rows += piece.rows
            line = _Line(owner, piece.tail, is_head=False, has_text=piece.tail_text)
        if piece.ends:
            self._close(line, piece.stop, is_row=line.has_text)
        self._line = None if piece.ends else line
        return owner

    def _close(self, line: _Line, end: int, *, is_row: bool) -> None:
        if not is_row:
            return
        self._rows += 1
        if line.is_head:
            line.owner.head = line.begin
        else:
            line.owner.tail = line.begin
        line.owner.stop = max(line.owner.stop, end)

    def _refuse_long(self, number: int, line: _Line, piece: OpenPiece) -> None:
        size = (piece.stop if piece.head_end == NONE else piece.head_end) - line.begin
        if size > MAX_LINE:
            raise InvalidArgument(
                f"{self._name(number)}: the line that begins at byte {line.begin:,} has {size:,} "
                f"bytes or more, at most {MAX_LINE:,} are allowed: is it a file of lines?"
            )


def _ends(one: _Owner) -> Ends:
    return Ends(one.base, one.head, one.tail, one.stop)
