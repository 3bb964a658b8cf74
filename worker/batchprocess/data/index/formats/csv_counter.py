"""Finding a CSV file's records without parsing them, as fast as bytes can be compared."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from batchprocess.data.index.formats.marks import Marks
from batchprocess.data.index.line_index import BOM, MAX_LINE, Offsets
from batchprocess.protocol.errors import InvalidArgument

_QUOTE, _FEED, _RETURN = 34, 10, 13


class UnusualQuotes(Exception):
    """The file has quotes where a plain one has none: only a parser finds its records."""


@dataclass
class CsvCounter:
    """Counts records in a file that is fed from its begin on; the first one is its header.

    Each piece ends with a line feed, where need be one that is thought at the file's end. Raises
    UnusualQuotes as soon as there is a quote, or a carriage return, that could mean another thing
    than a field's end, a quote in a field or a line's end; up to there it counts what the `csv`
    module does.
    """

    name: str
    delimiter: str
    header: tuple[int, int] | None = None
    """Begin and end of the first record."""
    marks: Marks = field(default_factory=Marks)
    begin: int = 0
    """Of the record that goes on."""
    _at: int = 0
    _inside: bool = False
    """Of a quoted field."""

    def feed(self, piece: bytes) -> None:
        """The next bytes of the file; the first ones at least as long as a byte order mark."""
        if self._at == 0 and piece.startswith(BOM):
            self._at = self.begin = len(BOM)
            piece = piece[len(BOM) :]
        codes = np.frombuffer(piece, np.uint8)
        feeds = np.flatnonzero(codes == _FEED)
        quotes = np.flatnonzero(codes == _QUOTE)
        self._refuse_unusual(codes, quotes)
        if len(quotes):
            feeds = feeds[(np.searchsorted(quotes, feeds) + self._inside) % 2 == 0]
            self._inside ^= len(quotes) % 2 == 1
        elif self._inside:
            feeds = feeds[:0]
        self._add(codes, feeds + 1)
        self._at += len(piece)
        if self._at - self.begin > MAX_LINE:
            refuse_long(self.name, self.marks.rows, self._at - self.begin)

    def end(self) -> None:
        """The file ends here, perhaps within a field."""
        if self.begin < self._at:
            self._take(np.array([self.begin]), np.array([self._at]))
            self.begin = self._at

    def _add(self, codes: npt.NDArray[np.uint8], ends: Offsets) -> None:
        if not len(ends):
            return
        begins = np.concatenate(([self.begin - self._at], ends[:-1]))
        size = ends - begins
        blank = (size == 1) | ((size == 2) & (codes[ends - 2] == _RETURN))
        self.begin = self._at + int(ends[-1])
        self._take(self._at + begins[~blank], self._at + ends[~blank])

    def _take(self, begins: Offsets, ends: Offsets) -> None:
        sizes = ends - begins
        if len(sizes) and sizes.max() > MAX_LINE:
            row = self.marks.rows + int(sizes.argmax()) - (self.header is None)
            refuse_long(self.name, row, int(sizes.max()))
        if self.header is None and len(begins):
            self.header = int(begins[0]), int(ends[0])
            begins = begins[1:]
        self.marks.add(begins)

    def _refuse_unusual(self, codes: npt.NDArray[np.uint8], quotes: Offsets) -> None:
        returns = np.flatnonzero(codes == _RETURN)
        lone = returns[_after(codes, returns) != _FEED]
        if len(lone) and ((np.searchsorted(quotes, lone) + self._inside) % 2 == 0).any():
            raise UnusualQuotes
        opening, closing = quotes[int(self._inside) :: 2], quotes[1 - int(self._inside) :: 2]
        comma = ord(self.delimiter)
        before = codes[opening - 1]  # of the first byte of all it is not looked at
        if not ((opening == 0) | np.isin(before, (comma, _FEED, _QUOTE))).all():
            raise UnusualQuotes
        if not np.isin(_after(codes, closing), (comma, _FEED, _RETURN, _QUOTE)).all():
            raise UnusualQuotes


def refuse_long(name: str, row: int, size: int) -> None:
    """Raise InvalidArgument for a record of so many bytes; row -1 is the header."""
    what = "the header" if row < 0 else f"row {row}"
    raise InvalidArgument(
        f"{name}: {what} has {size:,} bytes or more, at most {MAX_LINE:,} are allowed: is a quote "
        "not closed?"
    )


def _after(codes: npt.NDArray[np.uint8], places: Offsets) -> npt.NDArray[np.uint8]:
    """The bytes that follow; at the end a line feed is thought."""
    return np.append(codes, np.uint8(_FEED))[places + 1] if len(places) else codes[:0]
